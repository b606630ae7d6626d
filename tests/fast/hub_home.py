"""A hub to try things on: made once a process, in a temporary folder; every test leaves its database as it was."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


@cache
def ready() -> Path:
    """Django set up on an empty database with the hub's tables; the hub's home."""
    import django

    home = Path(tempfile.mkdtemp(dir=MEMORY))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    os.environ["DUREHUB_HOME"] = str(home)
    os.environ["DJANGO_SETTINGS_MODULE"] = "durehub.serve.settings"
    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.test.utils import setup_test_environment

    setup_test_environment()
    if connection.vendor == "postgresql":
        connection.creation.create_test_db(verbosity=0, autoclobber=True)
        atexit.register(connection.creation.destroy_test_db, connection.settings_dict["NAME"], verbosity=0)
    else:
        call_command("migrate", verbosity=0)
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # Argon2 is slow on purpose
    return home


@contextmanager
def undone() -> Iterator[None]:
    """Whatever the block does to the database is undone after it."""
    from django.db import transaction

    with transaction.atomic():
        yield
        transaction.set_rollback(True)
