"""A hub from the outside: find, pull, publish, cite, ask and grant, typed."""

from dure.client.hub import Described, Found, Hit, Hub, Request
from dure.client.priors import fetch_model, fetch_prior, models_on
from dure.client.signing import known_hub, sign_in, signed_in
from dure.client.transfer import PUBLISHED, citation_of, publish, pull

__all__ = [
    "PUBLISHED",
    "Described",
    "Found",
    "Hit",
    "Hub",
    "Request",
    "citation_of",
    "fetch_model",
    "fetch_prior",
    "known_hub",
    "models_on",
    "publish",
    "pull",
    "sign_in",
    "signed_in",
]
