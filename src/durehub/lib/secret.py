"""Random identifiers and secrets."""

from __future__ import annotations

import hashlib
import secrets

__all__ = ["digest_of", "new_id", "new_secret"]

_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id() -> str:
    """Twelve letters that say nothing about how many things there are."""
    return "".join(secrets.choice(_LETTERS) for _ in range(12))


def new_secret(kind: str) -> str:
    """A secret of 256 random bits behind ``kind``, by which people and scanners recognise it."""
    return f"{kind}_{secrets.token_urlsafe(32)}"


def digest_of(secret: str) -> str:
    """What is stored of a secret. It is random and long, so a plain hash suffices; passwords go through Argon2."""
    return hashlib.sha256(secret.encode()).hexdigest()
