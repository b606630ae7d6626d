"""A hub from the outside: find, pull, publish, cite, ask and grant, typed."""

from dure.client.hub import Described, Found, Hit, Hub, Request
from dure.client.signing import sign_in, signed_in
from dure.client.transfer import PUBLISHED, citation_of, publish, pull

__all__ = [
    "PUBLISHED",
    "Described",
    "Found",
    "Hit",
    "Hub",
    "Request",
    "citation_of",
    "publish",
    "pull",
    "sign_in",
    "signed_in",
]
