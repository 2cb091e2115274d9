"""Preloaded by multiprocessing's fork server: keeps it alive when a driver is killed while it asks for a worker.

The server reads file descriptors from each client that connects. A client killed between the two ends the server by an
EOFError, while it ignores a connection that was aborted before it was accepted (``ECONNABORTED``).
"""

from __future__ import annotations

import errno
import socket
from multiprocessing import reduction

_receive = reduction.recvfds


def _receive_or_ignore(client: socket.socket, size: int) -> list[int]:
    try:
        return _receive(client, size)
    except EOFError as error:
        raise OSError(errno.ECONNABORTED, "the client was killed before it sent anything") from error


reduction.recvfds = _receive_or_ignore
