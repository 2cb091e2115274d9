"""An attribute of a study, changed by one of several processes only: what Optuna's storages do not offer."""

from __future__ import annotations

import json
import time
from typing import Any

from optuna.storages import BaseStorage, InMemoryStorage, RDBStorage
from optuna.storages._rdb.models import StudySystemAttributeModel
from sqlalchemy import Table, insert, update
from sqlalchemy.exc import IntegrityError

__all__ = ["compare_and_set"]

# Where there are no transactions. A process that was slower than half of it must wait out the others instead.
SETTLE_SECONDS = 1.0


def compare_and_set(
    storage: BaseStorage, study_id: int, key: str, old: Any, new: Any, *, outwait_seconds: float = 0.0
) -> bool:
    """Set a system attribute of a study to ``new`` if it is ``old``; whether it was.

    In a database this is one atomic statement. A journal file has none: there the attribute is written and, where it
    matters, read again after a while (Fischer's algorithm), so that of several processes the last to write wins. One
    that took so long that others may believe they have won waits until these have noticed.

    Args:
        storage: of Optuna, not a stand-in.
        study_id: Optuna's.
        key: of the attribute.
        old: JSON data; None for an attribute that is not there or is null.
        new: other JSON data, different for every process.
        outwait_seconds: after which a process that lost the attribute has noticed; 0: nobody else would write now.
    """
    backend = getattr(storage, "_backend", None)
    if isinstance(backend, RDBStorage):
        return _in_database(backend, study_id, key, old, new)
    began = time.monotonic()
    if storage.get_study_system_attrs(study_id).get(key) != old:
        return False
    storage.set_study_system_attr(study_id, key, new)
    if not outwait_seconds or isinstance(storage, InMemoryStorage):  # memory is this process's own
        return True
    slow = time.monotonic() - began > SETTLE_SECONDS / 2
    time.sleep(outwait_seconds if slow else SETTLE_SECONDS)
    return bool(storage.get_study_system_attrs(study_id).get(key) == new)


def _in_database(backend: RDBStorage, study_id: int, key: str, old: Any, new: Any) -> bool:
    table: Table = StudySystemAttributeModel.__table__
    texts = {"value_json": json.dumps(new)}  # as Optuna writes it; the same data is always the same text
    same_attribute = (table.c.study_id == study_id) & (table.c.key == key)
    try:
        with backend.engine.begin() as connection:
            found = connection.execute(
                update(table).where(same_attribute & (table.c.value_json == json.dumps(old))).values(texts)
            )
            if found.rowcount == 0 and old is None:
                connection.execute(insert(table).values(study_id=study_id, key=key, **texts))
                return True
            return found.rowcount > 0
    except IntegrityError:  # another process inserted it a moment ago
        return False
