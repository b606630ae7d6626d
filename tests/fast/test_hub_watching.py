"""Metrics and log tell how the hub does, and nothing of what it keeps or what was asked."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from tests.fast import hub_home
from tests.fast.hub_people import Caller, person

pytestmark = pytest.mark.needs("django", "ninja", "prometheus_client", "pythonjsonlogger")


@pytest.fixture(autouse=True)
def hub() -> Iterator[None]:
    hub_home.ready()
    with hub_home.undone():
        yield


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """What the log gets, as it is written."""
    from django.conf import settings
    from pythonjsonlogger.json import JsonFormatter

    kept: list[str] = []
    form = JsonFormatter(settings.LOGGING["formatters"]["json"]["fmt"])

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            kept.append(form.format(record))

    keeper = Keeper()
    calls = logging.getLogger("durehub.calls")
    level = calls.level
    calls.setLevel(logging.INFO)
    logging.getLogger().addHandler(keeper)
    yield kept
    logging.getLogger().removeHandler(keeper)
    calls.setLevel(level)


def exposed() -> str:
    from prometheus_client import generate_latest

    return generate_latest().decode()


def counted(method: str, route: str, status: int) -> float:
    from prometheus_client import REGISTRY

    return REGISTRY.get_sample_value("durehub_calls_total", {"method": method, "route": route, "status": str(status)}) or 0.0


def test_calls_are_counted_by_pattern_and_status():
    route = "api/v1/records/<handle>"
    owner, before = person("counted"), (counted("GET", route, 200), counted("GET", route, 404))
    handle = owner.publish(level="private")
    owner.get(f"records/{handle}")
    Caller().get(f"records/{handle}")
    Caller().get("records/000000000000")
    assert (counted("GET", route, 200), counted("GET", route, 404)) == (before[0] + 1, before[1] + 2)


def test_neither_metrics_nor_log_hold_what_was_asked_or_kept(lines: list[str]):
    from django.test import Client

    owner = person("quiet")
    handle = owner.publish("황화물 secret-title", level="private", conditions="secret-condition")
    owner.get("records?q=secret-question")
    assert b"".join(owner.get(f"records/{handle}/versions/1/files/a.csv").streaming_content)
    owner.call("POST", "tokens", {"email": "quiet@example.org", "password": "secret-password"})
    browser = Client(raise_request_exception=False)
    browser.get("/join?invitation=join_secret-invitation")
    browser.post("/sign-in", {"email": "secret-address@example.org", "password": "secret-password"})
    browser.generic("SECRET-METHOD", "/")
    browser.get("/secret-path")
    text = "\n".join(lines) + exposed()
    for told in ("secret", "SECRET", "황화물", handle, owner.secret, "quiet@example.org", "a.csv"):
        assert told not in text, told
    called = [json.loads(line) for line in lines]
    assert {"asctime", "levelname", "name", "message", "method", "route", "status", "ms"} <= set(called[0])
    assert {one["status"] for one in called} >= {200, 201, 401, 404, 422}


def test_metrics_are_no_page_of_the_hub():
    from django.test import Client

    for path in ("/metrics", "/api/v1/metrics"):
        assert Client().get(path).status_code == 404
