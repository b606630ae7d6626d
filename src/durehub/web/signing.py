"""Signing in and out, joining by invitation, choosing a language."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from dure.errors import InputError
from dure.i18n import LANGUAGES, _
from durehub.accounts import actors
from durehub.accounts.models import Account
from durehub.web.middleware import COOKIE
from durehub.web.rendering import missing, page

__all__ = ["join", "language", "locked_out", "provider", "returned", "sign_in", "sign_out"]

_A_YEAR = 365 * 86_400
_BACKEND = "django.contrib.auth.backends.ModelBackend"
_NEXT = "sign-in-next"
_log = logging.getLogger("durehub")


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
    return _sign_in_page(request, said)


def _sign_in_page(request: HttpRequest, said: str, *, status: int = 422) -> HttpResponse:
    shown = {"next": _next(request), "provider": settings.OIDC_NAME if settings.OIDC_ISSUER else ""}
    return page(request, "sign-in.html", status=status if said else 200, said=said, **shown)


@cache
def _provider() -> Any:
    from authlib.integrations.django_client import OAuth

    known = OAuth()
    known.register("provider")
    return known.provider


@require_safe
def provider(request: HttpRequest) -> HttpResponse:
    """Send a person to the provider of OpenID Connect, from where they come back to ``returned``."""
    if not settings.OIDC_ISSUER:
        return missing(request)
    request.session[_NEXT] = _next(request)
    try:
        answer: HttpResponse = _provider().authorize_redirect(request, f"{settings.URL}/sign-in/returned")
    except Exception as error:
        return _unanswered(request, error)
    return answer


@require_safe
def returned(request: HttpRequest) -> HttpResponse:
    """Sign in whom the provider vouches for; Authlib checks state, nonce, issuer, audience, time and signature."""
    if not settings.OIDC_ISSUER:
        return missing(request)
    try:
        who = _vouched_for(request)
    except Exception as error:
        return _unanswered(request, error)
    told = {"email": str(who.get("email") or ""), "verified": who.get("email_verified") is True, "name": str(who.get("name") or "")}
    try:
        account = actors.account_of_identity(who["iss"], who["sub"], **told)
    except InputError as error:
        return _sign_in_page(request, str(error))
    if not account.is_active:
        return _sign_in_page(request, _("The address or the password is not right, or the account may not sign in."))
    after = request.session.pop(_NEXT, "/")
    login(request, account, backend=_BACKEND)
    return HttpResponseRedirect(after)


def _vouched_for(request: HttpRequest) -> dict[str, Any]:
    """Claims of the signed token; what it leaves out is asked for, and must be about the same person."""
    token = _provider().authorize_access_token(request)
    who = dict(token["userinfo"])
    if "email" not in who:
        more = dict(_provider().userinfo(token=token))
        if more.get("sub") != who["sub"]:
            raise ValueError(more.get("sub"))
        who = more | who
    return who


def _unanswered(request: HttpRequest, error: Exception) -> HttpResponse:
    """The kind of error alone is logged: its text may hold codes or tokens."""
    _log.warning("sign-in by the provider failed: %s", type(error).__name__)
    return _sign_in_page(request, _("{provider} did not vouch for you; try again.").format(provider=settings.OIDC_NAME))


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
            login(request, account, backend=_BACKEND)
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
    return _sign_in_page(request, said, status=429)
