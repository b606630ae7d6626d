"""The hub's server by itself, before a small application: what HTTP (RFC 9110) asks of a server, and what strangers try."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from typing import Any

import pytest

from durehub.serve.server import server

_HEADERS = "\n".join


def _application(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
    """Tells the names of the headers it was given; refuses what is posted without reading it; pours out under /flood."""
    if environ["REQUEST_METHOD"] == "POST":
        start("413 Too Large", [("Content-Length", "2")])
        return [b"no"]
    if environ["PATH_INFO"] == "/flood":
        start("200 OK", [])
        return iter(lambda: b"x" * 65536, b"")
    if environ["PATH_INFO"] == "/kind":
        start("200 OK", [("Content-Length", str(len(environ["CONTENT_TYPE"])))])
        return [environ["CONTENT_TYPE"].encode()]
    names = _HEADERS(sorted(name for name in environ if name.startswith("HTTP_"))).encode()
    start("200 OK", [("Content-Length", str(len(names)))])
    return [names]


@pytest.fixture
def port() -> Iterator[int]:
    """A server of one thread."""
    bound = socket.create_server(("127.0.0.1", 0))
    serving = server(bound, _application, threads=1)
    serving.prepare()
    thread = threading.Thread(target=serving.serve, daemon=True)
    thread.start()
    yield bound.getsockname()[1]
    serving.stop()
    thread.join(20)


@pytest.fixture
def connection(port: int) -> Iterator[http.client.HTTPConnection]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as made:
        yield made


def test_an_answer_to_head_has_no_body_and_the_next_answer_is_read_where_it_begins(connection: http.client.HTTPConnection):
    connection.request("HEAD", "/")
    head = connection.getresponse()
    assert int(head.headers["Content-Length"]) > 0
    assert head.read() == b""
    connection.request("GET", "/")
    assert connection.getresponse().read().startswith(b"HTTP_")


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        ("application/json; charset=hex", "application/json"),
        ("multipart/form-data; Charset=utf-7; boundary=x", "multipart/form-data; boundary=x"),
        ("text/plain", "text/plain"),
    ],
)
def test_no_letters_but_those_of_utf_8_reach_django(connection: http.client.HTTPConnection, sent: str, taken: str):
    connection.request("GET", "/kind", headers={"Content-Type": sent})
    assert connection.getresponse().read().decode() == taken


def test_connections_that_say_nothing_keep_no_thread(port: int, connection: http.client.HTTPConnection):
    silent = [socket.create_connection(("127.0.0.1", port)) for _one in range(5)]
    connection.request("GET", "/")
    assert connection.getresponse().status == 200
    for one in silent:
        one.close()


def test_a_header_with_an_underscore_is_not_taken_for_the_proxys(connection: http.client.HTTPConnection):
    connection.request("GET", "/", headers={"X_Forwarded_Proto": "https", "X-Mine": "1"})
    told = connection.getresponse().read().decode()
    assert "HTTP_X_MINE" in told
    assert "FORWARDED" not in told


def test_a_refused_body_without_end_is_cut_off(port: int):
    """2 TiB are declared: the answer comes, and no more than some MiB are read."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
        raw.sendall(b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 2199023255552\r\n\r\n")
        sent, answer = 0, b""
        raw.settimeout(0.2)
        while sent < 1 << 28:
            try:
                sent += raw.send(b"x" * 65536)
            except OSError:
                break
        with suppress(OSError):  # reset while it was still sending
            answer = raw.recv(100)
        assert sent < 1 << 26
        assert answer in (b"",) or answer.startswith(b"HTTP/1.1 413")


def test_it_stops_although_somebody_reads_without_end():
    bound = socket.create_server(("127.0.0.1", 0))
    serving = server(bound, _application, threads=2)
    serving.shutdown_timeout = 1
    serving.prepare()
    thread = threading.Thread(target=serving.serve, daemon=True)
    thread.start()
    with socket.create_connection(bound.getsockname()) as raw:
        raw.sendall(b"GET /flood HTTP/1.1\r\nHost: here\r\n\r\n")
        raw.recv(10)
        time.sleep(0.2)
        serving.stop()
        thread.join(30)
        assert not thread.is_alive()
