"""The figure of an ablation."""

from __future__ import annotations

from search.ablate.figure import gains_figure
from search.ablate.outcome import AblationOutcome


def test_the_figure_holds_every_gain_with_its_interval(outcome: AblationOutcome) -> None:
    figure = gains_figure(outcome)
    drawn = {
        text: (x, width)
        for trace in figure.data
        for text, x, width in zip(trace.text, trace.x, trace.error_x.array, strict=True)
    }
    assert drawn == {
        row.ablation.techniques[0]: (row.gains["overall"].value, row.gains["overall"].half_width)
        for row in outcome.rows
    }
    assert {trace.name: list(trace.text) for trace in figure.data}["does harm"] == ["LoRA"]
    assert figure.layout.yaxis.ticktext[0] == "SMART smoothness"
