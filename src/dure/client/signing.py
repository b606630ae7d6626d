"""Which hub is meant, and with which token: kept in a file of the user's own, or given by DURE_HUB and DURE_TOKEN."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path

from dure.client.hub import Hub
from dure.errors import HubError, InputError
from dure.i18n import _

__all__ = ["known_hub", "sign_in", "signed_in"]


def _file() -> Path:
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "dure" / "hub.json"


def sign_in(url: str, email: str, password: str) -> Path:
    """Get a token and keep it, readable by the user only; where it is kept.

    Raises:
        HubError: the hub refuses.
    """
    with Hub(url) as hub:
        try:
            kept = {"url": hub.url, "token": hub.token(email, password, name=f"dure at {platform.node()}"[:100])}
        except HubError as error:
            if error.status != 401:
                raise
            told = _("{url} has no account with that address and password; every person sets a password of their own there")
            raise HubError(told.format(url=hub.url), status=401) from None
    file = _file()
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".draft")
    with open(os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
        json.dump(kept, stream)
    draft.replace(file)
    return file


def signed_in(url: str | None = None) -> Hub:
    """The hub at ``url``, or the one that is known, with the token that was kept for it.

    Raises:
        InputError: none is known.
    """
    found = known_hub(url)
    if found is None:
        raise InputError(_("no hub is known; dure login URL, or set DURE_HUB"))
    return found


def known_hub(url: str | None = None) -> Hub | None:
    """As ``signed_in``; None when no hub is known."""
    try:
        kept = json.loads(_file().read_text("utf-8"))
    except (OSError, ValueError):
        kept = {}
    wanted = (url or os.environ.get("DURE_HUB") or kept.get("url", "")).rstrip("/")
    if not wanted:
        return None
    return Hub(wanted, os.environ.get("DURE_TOKEN") or (kept["token"] if kept.get("url") == wanted else ""))
