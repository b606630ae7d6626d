"""Headers on every answer, and the language of each."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers

from dure.i18n import LANGUAGES, _, speaking

__all__ = ["formless", "headers", "speech", "wanted", "whole"]

Answer = Callable[[HttpRequest], HttpResponse]

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
COOKIE = "language"


def headers(answer: Answer) -> Answer:
    """Nothing of the hub is framed, scripted from elsewhere or kept in a shared cache."""

    def wrapped(request: HttpRequest) -> HttpResponse:
        response = answer(request)
        for name, value in _HEADERS.items():
            response[name] = value
        response.setdefault("Cache-Control", "private, no-cache")
        patch_vary_headers(response, ("Authorization", "Cookie", "Accept-Language"))
        return response

    return wrapped


def formless(answer: Answer) -> Answer:
    """Refuse forms that are sent to the API before anything is done: what counts failed sign-ins stumbles over broken ones."""

    def wrapped(request: HttpRequest) -> HttpResponse:
        form = request.content_type in {"multipart/form-data", "application/x-www-form-urlencoded"}
        if not (form and request.method == "POST" and request.path.startswith("/api/")):
            return answer(request)
        told = {"code": "unsupported", "message": _("the API takes no forms; send JSON, with Content-Type: application/json")}
        return JsonResponse({"error": told}, status=415)

    return wrapped


def whole(answer: Answer) -> Answer:
    """Refuse a call that holds the letter NUL, which no database takes and no text needs."""

    def wrapped(request: HttpRequest) -> HttpResponse:
        if "\0" not in unquote(request.get_full_path()) and not _holds_nul(request):
            return answer(request)
        if request.path.startswith("/api/"):
            told = {"error": {"code": "invalid", "message": _("a text holds the letter NUL; leave it out")}}
            return JsonResponse(told, status=422)
        return HttpResponse(_("a text holds the letter NUL; leave it out"), status=422, content_type="text/plain; charset=utf-8")

    return wrapped


def _holds_nul(request: HttpRequest) -> bool:
    # The API reads JSON under whatever name it comes; bytes of files come by PUT and PATCH and are not looked at.
    if request.content_type == "application/json" or (request.path.startswith("/api/") and request.method == "POST"):
        return b"\\u0000" in request.body
    return any("\0" in str(value) for _name, values in request.POST.lists() for value in values)


def wanted(request: HttpRequest) -> str:
    """The language asked for: by the cookie, else as the browser says."""
    chosen = request.COOKIES.get(COOKIE, "")
    return chosen if chosen in LANGUAGES else translation.get_language_from_request(request)


def speech(answer: Answer) -> Answer:
    """Speak the language that is wanted."""

    def wrapped(request: HttpRequest) -> HttpResponse:
        code = wanted(request)
        with speaking(code), translation.override(code):
            response = answer(request)
            response["Content-Language"] = code
            return response

    return wrapped
