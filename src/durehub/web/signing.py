"""Signing in and out, joining by invitation, choosing a language."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from dure.errors import InputError
from dure.i18n import LANGUAGES, _
from durehub.accounts import actors
from durehub.accounts.models import Account
from durehub.web.middleware import COOKIE
from durehub.web.rendering import page

__all__ = ["join", "language", "locked_out", "sign_in", "sign_out"]

_A_YEAR = 365 * 86_400


def _next(request: HttpRequest) -> str:
    """Where to go afterwards, if that is within the hub."""
    given = request.POST.get("next") or request.GET.get("next") or ""
    return given if url_has_allowed_host_and_scheme(given, allowed_hosts=None) else "/"


def sign_in(request: HttpRequest) -> HttpResponse:
    """By address and password."""
    said = ""
    if request.method == "POST":
        email, password = request.POST.get("email", "").strip().lower(), request.POST.get("password", "")
        account = authenticate(request, username=email, password=password)
        if isinstance(account, Account):
            login(request, account)
            return HttpResponseRedirect(_next(request))
        said = _("The address or the password is not right, or the account may not sign in.")
    return page(request, "sign-in.html", status=422 if said else 200, said=said, next=_next(request))


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    return HttpResponseRedirect("/")


def join(request: HttpRequest) -> HttpResponse:
    """Make an account with an invitation."""
    given, said = request.POST if request.method == "POST" else request.GET, ""
    if request.method == "POST":
        try:
            account = actors.join(
                given.get("invitation", ""),
                email=given.get("email", ""),
                name=given.get("name", ""),
                password=given.get("password", ""),
            )
            login(request, account, backend="django.contrib.auth.backends.ModelBackend")
            return HttpResponseRedirect("/")
        except InputError as error:
            said = str(error)
    return page(request, "join.html", status=422 if said else 200, said=said, given=given)


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Remember which language is wanted."""
    response = HttpResponseRedirect(_next(request))
    if (code := request.POST.get("language")) in LANGUAGES:
        response.set_cookie(COOKIE, str(code), max_age=_A_YEAR, samesite="Lax", httponly=True)
    return response


def locked_out(request: HttpRequest, _credentials: dict[str, Any], *_more: Any) -> HttpResponse:
    """What is answered after too many wrong passwords."""
    said = _("Too many attempts; wait a quarter of an hour.")
    if request.path.startswith("/api/"):
        return JsonResponse({"error": {"code": "slow_down", "message": said}}, status=429)
    return page(request, "sign-in.html", status=429, said=said, next="/")
