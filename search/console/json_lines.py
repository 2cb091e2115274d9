"""Write a log for other programs: one JSON object per line and event."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import IO

from search.driver.events import Event, TrialAdvanced

__all__ = ["JsonLines"]


class JsonLines:
    """Observer that writes ``{"event": "TrialEnded", "time": ..., ...}`` lines, each flushed.

    Args:
        stream: text stream to write to.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def __call__(self, event: Event) -> None:
        """Write one line, except for the once-a-second progress of running trials."""
        if isinstance(event, TrialAdvanced):
            return
        line = {"event": type(event).__name__, "time": round(time.time(), 3), **asdict(event)}
        print(json.dumps(line, default=str), file=self._stream, flush=True)  # this is the log
