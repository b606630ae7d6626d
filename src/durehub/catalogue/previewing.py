"""Previews of tables: first rows, and of every column its type, unit and range. As strict as the files they are made from.

A table is looked into by a program of its own (``looking``), without network where the system lets that be taken away; what it
said is kept beside the bytes, which never change.
"""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from threading import Lock
from typing import Any

from durehub.accounts.actors import Actor
from durehub.catalogue.finding import Missing, files_of
from durehub.catalogue.models import Blob, Preview
from durehub.catalogue.store import store
from durehub.policy.audit import note

__all__ = ["FORMS", "preview_of"]

FORMS = {".csv": "csv", ".parquet": "parquet"}
"""Which files are tables that can be looked into."""
_SECONDS = 30
_MOST = 1 << 20
_one_at_a_time = Lock()


def preview_of(actor: Actor, handle: str, number: int, path: str) -> dict[str, Any]:
    """What is in a table of a version: ``columns``, ``rows``, how many rows were ``counted`` and whether that is the ``whole``.

    Where it could not be read there is ``problem`` instead. It is noted like a download, which it is a part of.

    Raises:
        Missing: there is no such table, or the actor may not read the files.
    """
    version = files_of(actor, handle, number)
    file = version.files.filter(path=path).select_related("blob").first()
    form = FORMS.get(path[path.rfind(".") :].lower())
    if file is None or form is None:
        raise Missing
    note("previewed", actor, version.identifier, path=path)
    units = {one["name"]: one["unit"] for one in version.about["columns"] if one["file"] == path}
    told = _kept(file.blob, form)
    return told | {"columns": [one | {"unit": units.get(one["name"], "")} for one in told.get("columns", ())]}


def _kept(blob: Blob, form: str) -> dict[str, Any]:
    known = Preview.objects.filter(blob=blob, form=form).first()
    if known is None:
        with _one_at_a_time:
            told = _looked_into(blob, form)
        if "problem" in told:
            return told
        known = Preview.objects.get_or_create(blob=blob, form=form, defaults={"said": told})[0]
    return dict(known.said)


def _looked_into(blob: Blob, form: str) -> dict[str, Any]:
    command = [*_alone(), sys.executable, "-I", "-m", "durehub.catalogue.looking", form]
    with store().open(blob.owner_id, blob.sha256) as stream:
        try:
            done = subprocess.run(
                command, stdin=stream, capture_output=True, timeout=_SECONDS, check=False, cwd="/", env={"OMP_NUM_THREADS": "1"}
            )
        except subprocess.TimeoutExpired:
            return {"problem": "TimeoutExpired"}
    try:
        return dict(json.loads(done.stdout[:_MOST]))
    except ValueError:
        return {"problem": "NoAnswer"}


@cache
def _alone() -> tuple[str, ...]:
    """What is put before a command to take the network from it, where the system allows that."""
    try:
        able = subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        able = False
    return ("unshare", "-rn") if able else ()
