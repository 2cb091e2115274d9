"""Combine several finished runs into one result: averaged predictions, greedy selection of runs, averaged weights.

Imports ``core.statistics``, ``core.config`` and ``data``; knows no studies.
"""

from core.ensembles.averaging import average, average_tasks
from core.ensembles.common_start import check_common_start
from core.ensembles.greedy_selection import select, select_in_bags
from core.ensembles.selection_objective import OverallObjective, Predictions, SelectionObjective
from core.ensembles.soup import Ingredient, Soup, greedy_soup, uniform_soup

__all__ = [
    "Ingredient",
    "OverallObjective",
    "Predictions",
    "SelectionObjective",
    "Soup",
    "average",
    "average_tasks",
    "check_common_start",
    "greedy_soup",
    "select",
    "select_in_bags",
    "uniform_soup",
]
