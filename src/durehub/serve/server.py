"""The server in front of Django: cheroot's threads, which hand a body on as it arrives and keep nothing of it."""

from __future__ import annotations

import logging
import socket
from typing import Any

from cheroot.server import HTTPConnection, HTTPRequest
from cheroot.wsgi import Server

__all__ = ["server"]

_BLOCK = 1 << 16
_LONGEST_HEADERS = 1 << 16
_SECONDS = 60
"""How long a connection may be silent; an upload that breaks off is gone on with."""
_log = logging.getLogger("durehub")


class _Request(HTTPRequest):
    def send_headers(self) -> None:
        """Read what a refused upload still sends, block by block: cheroot would take all of it into memory."""
        if self.chunked_read:  # Django reads no such body, so what follows on the wire is no request
            self.close_connection = True
        else:
            while getattr(self.rfile, "remaining", 0) and self.rfile.read(_BLOCK):
                pass
        super().send_headers()


class _Connection(HTTPConnection):
    RequestHandlerClass = _Request


class _Server(Server):
    ConnectionClass = _Connection
    max_request_header_size = _LONGEST_HEADERS

    def __init__(self, bound: socket.socket, application: Any, threads: int) -> None:
        self._bound = bound
        super().__init__(bound.getsockname()[:2], application, numthreads=threads, server_name="dure", timeout=_SECONDS)

    def bind(self, family: int, type: int, proto: int = 0) -> socket.socket:
        """Take the socket that is bound already."""
        self.socket = self._bound
        return self._bound

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        """To the hub's log, without tracebacks, which may show what was sent."""
        _log.log(level, "server: %s", msg)


def server(bound: socket.socket, application: Any, *, threads: int) -> Server:
    """A server at a bound socket that answers as many calls at once as it has threads; its ``start`` serves until interrupted."""
    return _Server(bound, application, threads)
