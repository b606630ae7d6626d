"""People on a hub and what they do there, through the API as a program would."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from tests.fast.access_world import plain

FORMATS = {".csv": "text/csv", ".json": "application/json", ".parquet": "application/vnd.apache.parquet"}
CSV = b"a,b\n1,2\n"


@dataclass
class Caller:
    """Somebody with a token, or a visitor."""

    secret: str = ""
    account: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The answer to a call; ``body`` is JSON or bytes."""
        from django.test import Client

        told = ({"Authorization": f"Bearer {self.secret}"} if self.secret else {}) | self.headers | headers
        data = body if isinstance(body, bytes) else json.dumps(body) if body is not None else ""
        kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        return Client(raise_request_exception=False).generic(method, f"/api/v1/{path}", data, content_type=kind, headers=told)

    def get(self, path: str, **headers: str) -> Any:
        return self.call("GET", path, **headers)

    def upload(self, data: bytes = CSV) -> str:
        sha256 = hashlib.sha256(data).hexdigest()
        answer = self.call("PUT", f"blobs/{sha256}", data)
        assert answer.status_code == 200, answer.content
        return sha256

    def publish(
        self, title: str = "A table", *, data: bytes = CSV, path: str = "a.csv", derived_from: Any = (), **access: Any
    ) -> str:
        """Publish a record of one file; its handle."""
        answer = self.call("POST", "records", {"record": self.record(title, data, path, derived_from), "access": access})
        assert answer.status_code == 201, answer.content
        return str(answer.json()["id"]).removeprefix("dure:").partition("/")[0]

    def record(self, title: str = "A table", data: bytes = CSV, path: str = "a.csv", derived_from: Any = ()) -> dict[str, Any]:
        """A record whose file is uploaded."""
        made = plain(title, list(derived_from))
        made["files"] = [
            {"path": path, "sha256": self.upload(data), "bytes": len(data), "format": FORMATS[path[path.rfind(".") :]]}
        ]
        made["outcomes"] = [{"name": "mass", "value": 5.0, "unit": "kg"}]
        return made


def person(name: str, **account: Any) -> Caller:
    """Somebody with an account and an unbounded token."""
    from durehub.accounts.actors import issue_token
    from durehub.accounts.models import Account, Action

    made = Account.objects.create_user(f"{name}@example.org", name.title(), "a long password of " + name, **account)
    return Caller(issue_token(made, "test", most=Action.MANAGE)[1], made)
