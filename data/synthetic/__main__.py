"""``python -m data.synthetic``: write the synthetic corpus into a folder."""

from __future__ import annotations

import typer

from data.synthetic.corpus import main

if __name__ == "__main__":
    typer.run(main)
