"""The section on what an ensemble of trials would score."""

from __future__ import annotations

from core.statistics import Expectation
from search.analysis.expected_text import expectation_text, gone_sentence
from search.display.table import Table
from search.ensemble.forecast import STEPS, EnsembleForecast, forecast_ensemble
from search.recorded.ranking import ranked_trials
from search.report.context import ReportContext
from search.report.parts import Code, Note, Part, ReportSection

__all__ = ["ensemble_section"]


def ensemble_section(context: ReportContext) -> ReportSection | None:
    """Make the section: expected score and gain over the best trial; None if fewer than two trials have finished."""
    if len(ranked_trials(context.study)) < 2:
        return None
    found, unknown = forecast_ensemble(context.study, context.folders, context.data)
    if found is None:
        return ReportSection("ensemble", "Ensemble", (f"There is no estimate: {unknown}.",))
    how = (
        f"Members are selected greedily from {found.candidates} of {found.trials} finished trials on 20 resamples of "
        "the dev examples, and the selections are averaged.",
        gone_sentence(found.gone),
        f"The estimate repeats the whole selection in {found.resamples} resamples. Predicting with an ensemble takes "
        "as long as predicting with all its members.",
    )
    note = Note(" ".join(filter(None, how)))
    parts = (_sentence(found), *_command(found, context), _scores(found), note, _members(found))
    return ReportSection("ensemble", "Ensemble", parts)


def _sentence(found: EnsembleForecast) -> str:
    gain, scores = found.gain.overall, found.scores.overall
    count = len(found.shares)
    trials = f"{count} trials" if count > 1 else "one trial"
    if gain.low > 0.0:
        verdict = f"better than trial {found.best} alone by {expectation_text(gain)}"
    elif gain.high < 0.0:
        verdict = f"worse than trial {found.best} alone by {expectation_text(_negated(gain))}"
    else:
        verdict = f"no clear difference from trial {found.best} alone ({_signed(gain)})"
    return (
        f"The averaged predictions of {trials} would score {scores.dev:.4f} overall on dev and are expected to score "
        f"{expectation_text(scores)} on new data: {verdict}."
    )


def _command(found: EnsembleForecast, context: ReportContext) -> tuple[Part, ...]:
    """Return the command that makes an ensemble, if one seems worthwhile."""
    if found.gain.overall.expected <= 0.0 or len(found.shares) == 1:
        return ()
    return (
        "To make an ensemble, run this command. It selects from the trials whose models were kept (keep_models), so "
        "its members may differ:",
        Code(f"python -m search.export --study {context.study.study_name} --ensemble {STEPS}{context.where}"),
    )


def _scores(found: EnsembleForecast) -> Table:
    gains = {"overall": found.gain.overall, **found.gain.tasks}
    rows = tuple(
        (name, f"{one.dev:.4f}", expectation_text(one), _signed(gains[name]))
        for name, one in {"overall": found.scores.overall, **found.scores.tasks}.items()
    )
    return Table("", ("", "dev", "expected on new data", f"expected gain over trial {found.best}"), rows)


def _members(found: EnsembleForecast) -> Table:
    return Table("Members", ("trial", "share"), tuple((str(n), f"{share:.2f}") for n, share in found.shares.items()))


def _negated(gain: Expectation) -> Expectation:
    return Expectation(-gain.dev, -gain.expected, -gain.high, -gain.low)


def _signed(gain: Expectation) -> str:
    return f"{gain.expected:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}]"
