"""The server in front of Django: cheroot's threads, which hand a body on as it arrives and keep nothing of it."""

from __future__ import annotations

import logging
import socket
from contextlib import suppress
from typing import Any

from cheroot.server import HeaderReader, HTTPConnection, HTTPRequest
from cheroot.wsgi import Server

__all__ = ["server"]

_BLOCK = 1 << 16
_LONGEST_HEADERS = 1 << 16
_MOST_DROPPED = 16 << 20
"""Bytes of a refused upload that are read, so that its sender comes to the answer; a longer one is cut off."""
_SECONDS = 60
"""How long a connection may be silent; an upload that breaks off is gone on with."""
_log = logging.getLogger("durehub")


class _Headers(HeaderReader):
    def _allow_header(self, key_name: bytes) -> bool:
        """None with an underscore: Django could not tell it from one with a hyphen, which only the proxy may send."""
        allowed = super()._allow_header(key_name)  # type: ignore[misc]  # its stubs leave it out
        return bool(allowed) and b"_" not in key_name


class _Request(HTTPRequest):
    header_reader = _Headers()

    def send_headers(self) -> None:
        """Read what a refused upload still sends, block by block: cheroot would take all of it into memory."""
        if self.chunked_read:  # Django reads no such body, so what follows on the wire is no request
            self.close_connection = True
        else:
            left = _MOST_DROPPED
            body: Any = self.rfile
            while left > 0 and getattr(body, "remaining", False) and (block := body.read(_BLOCK)):
                left -= len(block)
            if getattr(body, "remaining", None):
                self.close_connection = True
        super().send_headers()


class _Connection(HTTPConnection):
    RequestHandlerClass = _Request


class _Server(Server):
    ConnectionClass = _Connection
    max_request_header_size = _LONGEST_HEADERS
    request_queue_size = 128

    def __init__(self, bound: socket.socket, application: Any, threads: int) -> None:
        self._bound = bound
        super().__init__(bound.getsockname()[:2], application, numthreads=threads, server_name="dure", timeout=_SECONDS)
        self.requests._force_close = _cut  # noqa: SLF001 - there is no other way to end what runs when the hub stops

    def process_conn(self, conn: HTTPConnection) -> None:
        """Only a connection that has said something takes a thread: browsers open some in advance."""
        if conn.last_used is None:
            self.put_conn(conn)
        else:
            super().process_conn(conn)

    def bind(self, family: int, type: int, proto: int = 0) -> socket.socket:
        """Take the socket that is bound already; small answers are sent at once."""
        self._bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = self._bound
        return self._bound

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        """To the hub's log, without tracebacks, which may show what was sent."""
        _log.log(level, "server: %s", msg)


def _cut(conn: HTTPConnection | None) -> None:
    """Both ways: shut for reading only, a download would go on to its end."""
    if conn is not None:
        with suppress(OSError):
            conn.socket.shutdown(socket.SHUT_RDWR)


def _for_django(application: Any) -> Any:
    """The application, spared what Django leaves to its server: bodies in answers to HEAD, and texts in other letters than UTF-8.

    It looks names of alphabets up before it answers anything, and fails at those that are none of text.
    """

    def answer(environ: dict[str, Any], start: Any) -> Any:
        kind = environ.get("CONTENT_TYPE", "").split(";")
        environ["CONTENT_TYPE"] = ";".join(one for one in kind if not one.strip().lower().startswith("charset"))
        answered = application(environ, start)
        if environ["REQUEST_METHOD"] != "HEAD":
            return answered
        if hasattr(answered, "close"):
            answered.close()
        return ()

    return answer


def server(bound: socket.socket, application: Any, *, threads: int) -> Server:
    """A server at a bound socket that answers as many calls at once as it has threads; its ``start`` serves until interrupted."""
    return _Server(bound, _for_django(application), threads)
