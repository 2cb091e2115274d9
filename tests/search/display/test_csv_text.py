"""CSV files hold no formulas, and numbers stay numbers."""

from __future__ import annotations

import pandas as pd

from search.display.csv_text import csv_text


def test_formulas_are_text() -> None:
    frame = pd.DataFrame(
        {
            "=name": ["=cmd|' /C calc'!A0", "+1+1", "-x", "@SUM(A1)", "\tx", "a=b", ""],
            "value": [-1.5, float("nan"), 3.0, -2e-7, 0.0, -0.0, 1.0],
            "mixed": ["-0.5", -3, "+1e-05", None, True, "'", "-inf"],
        }
    )
    assert csv_text(frame) == (
        "'=name,value,mixed\n'=cmd|' /C calc'!A0,-1.5,-0.5\n'+1+1,,-3\n'-x,3.0,+1e-05\n'@SUM(A1),-2e-07,\n"
        "'\tx,0.0,True\na=b,-0.0,'\n,1.0,-inf\n"
    )


def test_other_tables_are_as_pandas_writes_them() -> None:
    frame = pd.DataFrame({"trial": [0, 1], "score": [0.1 + 0.2, 1.0], "state": ["complete", "pruned"]})
    frame["setting"] = pd.Series([None, "a,b"])
    assert csv_text(frame) == frame.to_csv(index=False)
