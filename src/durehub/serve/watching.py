"""What an operator watches: counts and times for Prometheus, and one line of JSON for each call.

Neither holds what was asked for: an address is named by its pattern, and its query, where invitations and searches stand, is left
out.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from prometheus_client import Counter, Gauge, Histogram

from durehub.accounts.models import Account

__all__ = ["watched"]

_TIMES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)
_calls = Counter("durehub_calls", "Calls that were answered", ["method", "route", "status"])
_seconds = Histogram("durehub_call_seconds", "Time until an answer begins", ["method", "route"], buckets=_TIMES)
_under_way = Gauge("durehub_calls_under_way", "Calls that are being answered")
_log = logging.getLogger("durehub.calls")
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

Answer = Callable[[HttpRequest], HttpResponseBase]


def watched(answer: Answer) -> Answer:
    """Count, time and log every call."""

    def wrapped(request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        with _under_way.track_inprogress():
            response = answer(request)
        spent, match = time.perf_counter() - began, request.resolver_match
        method = request.method if request.method in _METHODS else "other"
        route = match.route if match is not None else "none"
        _calls.labels(method, route, str(response.status_code)).inc()
        _seconds.labels(method, route).observe(spent)
        actor = getattr(getattr(request, "auth", None), "account", None) or getattr(request, "user", None)
        told = {"method": method, "route": route, "status": response.status_code, "ms": round(1000 * spent, 1)}
        told["account"] = actor.handle if isinstance(actor, Account) else None
        _log.info("call", extra=told)
        return response

    return wrapped
