"""A database session that can hold several of Optuna's operations in one transaction."""

from __future__ import annotations

from optuna.exceptions import StorageInternalError
from sqlalchemy.orm import Session

__all__ = ["BatchSession"]


class BatchSession(Session):
    """Optuna opens, commits and closes a session for every operation; during a batch it stays open and uncommitted."""

    in_batch = False
    undone = False  # an operation of this batch was rolled back, and all before it

    def commit(self) -> None:
        """Outside a batch; within one, what was written so far can be read."""
        if self.in_batch:
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
        """Of the operation, and with it of the batch."""
        self.undone = self.in_batch
        super().rollback()

    def close(self) -> None:
        """After an operation."""
        if self.in_batch:
            self.expunge_all()  # as after any operation: the next one reads what is stored
        else:
            super().close()

    def begin_batch(self) -> None:
        """From here on nothing is committed."""
        self.in_batch, self.undone = True, False

    def end_batch(self) -> None:
        """Commit.

        Raises:
            StorageInternalError: an operation failed and Optuna went on, as it does when a row is there already.
            SQLAlchemyError: the database does not take the transaction.
        """
        self.in_batch = False
        try:
            if self.undone:
                raise StorageInternalError("a write of this transaction was refused; none of them is stored")
            self._commit()
        finally:
            super().close()  # rolls back what is not committed

    def abandon_batch(self) -> None:
        """Undo all of the batch."""
        self.in_batch = False
        super().close()
