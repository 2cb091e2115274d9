"""A database session that can group several of Optuna's operations into one transaction."""

from __future__ import annotations

from typing import Any

from optuna.exceptions import StorageInternalError
from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session

__all__ = ["GroupingSession"]


class GroupingSession(Session):
    """A session that stays open and uncommitted between :meth:`begin_group` and :meth:`end_group`.

    Optuna opens, commits and closes a session for every operation. Within a group, these calls only flush.

    Attributes:
        unfinished: ids of trials that were found to be unfinished in this group.
        studies: ids of studies that were found in this group.
    """

    is_grouping = False
    _was_rolled_back = False  # an operation of this group, and with it everything before it

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.unfinished: set[int] = set()
        self.studies: set[int] = set()
        self._held: list[tuple[Any, list[dict[str, Any]]]] = []  # statements and their rows

    def write_row(self, statement: Any, row: dict[str, Any]) -> None:
        """Execute a statement that changes a row; within a group, later, together with others of the same statement."""
        if not self.is_grouping:
            self.execute(statement, row)
        elif self._held and self._held[-1][0] is statement:
            self._held[-1][1].append(row)
        else:
            self._held.append((statement, [row]))

    def write_held(self) -> None:
        """Execute what :meth:`write_row` has left for later, in the same order."""
        held, self._held = self._held, []
        for statement, rows in held:
            self.execute(statement, rows)

    def commit(self) -> None:
        """Commit; within a group, only flush, so that the following operations can read what was written."""
        if self.is_grouping:
            self.flush()
        else:
            self._commit()

    def _commit(self) -> None:
        try:
            super().commit()
        except BaseException:
            # A commit that SQLite refuses (a reader is in the way, the disk is full) leaves the transaction open.
            # SQLAlchemy takes it for closed; the next commit on this connection would store what is reported as lost.
            self.invalidate()
            raise

    def rollback(self) -> None:
        """Roll back the operation, and with it its group."""
        self._was_rolled_back = self.is_grouping
        super().rollback()

    def close(self) -> None:
        """Close the session; within a group, only forget the objects it has loaded."""
        if self.is_grouping:
            self.expunge_all()  # as after any operation: the next one reads what is stored
        else:
            super().close()

    def begin_group(self) -> None:
        """Commit nothing from here on."""
        self.is_grouping, self._was_rolled_back = True, False
        self.unfinished.clear()
        self.studies.clear()

    def end_group(self) -> None:
        """Commit the group.

        Raises:
            StorageInternalError: an operation failed and Optuna ignored the error, as it does when a row exists.
            SQLAlchemyError: the database does not accept the transaction.
        """
        self.is_grouping = False
        try:
            self.write_held()
            if self._was_rolled_back:
                raise StorageInternalError("the database refused a write of this transaction; none of it is stored")
            self._commit()
        finally:
            super().close()  # rolls back what is not committed

    def abandon_group(self) -> None:
        """Undo everything in the group."""
        self.is_grouping = False
        self._held.clear()
        super().close()


@event.listens_for(GroupingSession, "do_orm_execute")
def _write_held_first(state: ORMExecuteState) -> None:
    """Let every other statement see what was written before it."""
    if isinstance(state.session, GroupingSession):
        state.session.write_held()
