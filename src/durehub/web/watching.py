"""What an operator watches a hub by: counts and times for Prometheus, and a line of the log for every call.

Neither tells what was asked for or found: a call counts under its route, such as ``records/<handle>``, and missing and forbidden
are one status. Addresses, queries, headers and bodies are left out, and with them every secret.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from prometheus_client import Counter, Histogram

__all__ = ["watched"]

_log = logging.getLogger("durehub.calls")
_calls = Counter("durehub_calls", "Calls answered", ("method", "route", "status"))
_seconds = Histogram("durehub_call_seconds", "Seconds until the answer began", ("method", "route"))
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


def watched(answer: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Count and log every call."""

    def wrapped(request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = answer(request)
        seconds = time.perf_counter() - began
        method = str(request.method) if request.method in _METHODS else "other"
        route = request.resolver_match.route if request.resolver_match else "none"
        _calls.labels(method, route, response.status_code).inc()
        _seconds.labels(method, route).observe(seconds)
        told = {"method": method, "route": route, "status": response.status_code, "ms": round(1_000 * seconds, 1)}
        _log.info("call", extra=told)
        return response

    return wrapped
