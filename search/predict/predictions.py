"""What a model predicts of one task for a number of texts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from core.statistics import Thresholds
from data.errors import UserError, quoted
from data.metrics.classes import predicted_classes
from data.tasks import TaskSpec

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TaskPredictions"]


@dataclass(frozen=True)
class TaskPredictions:
    """Predictions of one task for N texts, in the order of the texts.

    Attributes:
        task: name of the task.
        values: names of the predicted classes, (N,) of str, or None where the model abstained; or scores, (N,) float.
        probabilities: of all classes, (N, K), in the order of ``classes``; None for scores.
        classes: names of the K classes; empty for scores.
    """

    task: str
    values: npt.NDArray[Any]
    probabilities: npt.NDArray[np.floating[Any]] | None
    classes: tuple[str, ...]

    @classmethod
    def of(cls, spec: TaskSpec, outputs: np.ndarray) -> TaskPredictions:
        """Name the classes of class probabilities (N, K), or keep scores (N,)."""
        if spec.kind.is_score:
            return cls(spec.name, outputs, None, ())
        names = np.array(spec.classes, dtype=object)
        return cls(spec.name, names[predicted_classes(outputs)], outputs, spec.classes)

    def abstain(self, thresholds: Thresholds) -> TaskPredictions:
        """Keep only values whose class has at least its threshold of probability; probabilities stay.

        Args:
            thresholds: of the same task, from :meth:`search.predict.model.Model.thresholds`.

        Raises:
            UserError: if these are scores, or thresholds of other classes.
        """
        if self.probabilities is None or set(thresholds.of_class) != set(self.classes):
            raise UserError(f"the thresholds are not of the classes of task {quoted(self.task)}")
        least = np.array([thresholds.of_class[name] for name in self.classes])
        values = self.values.copy()
        values[self.probabilities.max(axis=1) < least[predicted_classes(self.probabilities)]] = None
        return replace(self, values=values)

    @property
    def answered(self) -> int:
        """Return the number of texts that the model did not abstain from."""
        return sum(value is not None for value in self.values)

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self.values)

    @property
    def written(self) -> list[str]:
        """Return the values as files have them: class names, empty for None, or scores in the digits of a float32."""
        if self.probabilities is None:
            return [str(np.float32(value)) for value in self.values]
        return ["" if value is None else value for value in self.values]

    def to_frame(self) -> pd.DataFrame:
        """Return a data frame of N rows: ``prediction`` and, for classes, a ``probability_CLASS`` of each."""
        import pandas as pd

        columns: dict[str, Any] = {"prediction": self.values}
        if self.probabilities is not None:
            columns |= {f"probability_{name}": self.probabilities[:, k] for k, name in enumerate(self.classes)}
        return pd.DataFrame(columns)
