"""A client of tus that others wrote uploads to the hub, and goes on where it stopped."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path
from typing import Any

import pytest

from dure.client import Hub
from tests.slow.hubs import PASSWORD, serving

pytestmark = pytest.mark.needs("django", "cheroot", "requests", "tusclient")


def test_another_client_of_tus_uploads_and_goes_on(tmp_path: Path):
    from tusclient.client import TusClient

    data = random.Random(3).randbytes(5 << 20)
    sha256, path = hashlib.sha256(data).hexdigest(), tmp_path / "data.bin"
    path.write_bytes(data)
    with serving(tmp_path) as hub, path.open("rb") as stream:
        email = hub.join("Kim Sender", hub.invitation)
        with Hub(hub.url) as visitor:
            token = visitor.token(email, PASSWORD, name="test")
        client = TusClient(f"{hub.url}/api/v1/uploads", headers={"Authorization": f"Bearer {token}"})
        told: dict[str, Any] = {"file_stream": stream, "chunk_size": 1 << 20, "metadata": {"sha256": sha256}}
        first = client.uploader(**told)
        first.upload(stop_at=2 << 20)
        second = client.uploader(**told, url=first.url)
        assert second.offset == 2 << 20
        second.upload()
        (kept,) = (tmp_path / "files").glob(f"*/*/{sha256}")
        assert kept.read_bytes() == data
