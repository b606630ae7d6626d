"""Run by the interpreter of .venv-validators: the reference validator over a crate, offline, its findings as JSON.

The validator wants the JSON-LD context from the network. It gets the copy that the rocrate library carries instead, version 1.3,
which holds the terms of 1.1; nothing else about the validator is changed.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import requests
from rocrate_validator import models, services
from rocrate_validator.utils.http import HttpRequester


def main(crate: str, context: str) -> None:
    def get(_self: Any, url: str, **_options: Any) -> requests.Response:
        response = requests.Response()
        response.url, known = url, url.startswith("https://w3id.org/ro/crate/")
        response.status_code = 200 if known else 404
        response._content = Path(context).read_bytes() if known else b""
        response.headers["Content-Type"] = "application/ld+json"
        return response

    HttpRequester.get = HttpRequester.fetch_fresh = get
    with tempfile.TemporaryDirectory() as cache:
        found: dict[str, Any] = {}
        for profile in ("ro-crate-1.1", "process-run-crate"):
            settings = models.ValidationSettings(
                rocrate_uri=crate,
                profile_identifier=profile,
                requirement_severity=models.Severity.REQUIRED,
                cache_path=Path(cache) / "cache",
            )
            result = services.validate(settings)
            issues = [f"{one.check.identifier}: {one.message}" for one in result.get_issues()]
            found[profile] = {"checks": len(result.executed_checks), "issues": issues}
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
