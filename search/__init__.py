"""Search hyperparameters with Optuna: studies in; trials, reports and models out.

A command is ``search/NAME.py`` or ``search/NAME/__main__.py`` and runs as ``python -m search.NAME``. Everything
else stands in a package that is named after what it holds. Nothing below ``search`` imports Optuna. Packages import
only those above them in this list::

    display     values, tables, figures and pages as people see them
    parsing     errors with their place in a TOML file
    space       what is searched
    storage     where Optuna keeps studies
    trials      what one trial leaves, in the storage and on disk
    samplers, pruners
    study       study files and the study they describe
    executors   the processes that train
    preflight   checks before the first trial
    recorded    studies read back
    analysis    what recorded trials say
    driver      runs a study
    console     what the commands share: options, progress, summaries

import-linter holds the order (``pyproject.toml``).
"""

from search.console.shadowing import refuse_shadowed

refuse_shadowed()
