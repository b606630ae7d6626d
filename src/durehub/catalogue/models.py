"""Records with immutable versions, their files by hash, their outcomes, and answers kept for calls that are repeated."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

import dure.record
from durehub.accounts.models import Account, Organisation
from durehub.catalogue.index import TermsField
from durehub.lib import new_id
from durehub.policy.models import Protected

__all__ = ["Blob", "Outcome", "Record", "Reply", "Upload", "Version", "VersionFile", "Words"]


class Record(Protected):
    """The concept above the versions. Title and the fields below it repeat the newest version's, for filters and lists.

    ``place`` is where it stands in the order of publication: the microseconds of ``published`` since 1970, or a few later.
    """

    handle = models.CharField(max_length=12, unique=True, default=new_id)
    organisation = models.ForeignKey(Organisation, models.PROTECT, null=True, blank=True, related_name="+")
    published = models.DateTimeField(db_default=Now())
    place = models.BigIntegerField(unique=True, default=0)
    newest = models.PositiveIntegerField(default=0)
    title = models.CharField(max_length=300)
    kind = models.CharField(max_length=20)
    licence = models.CharField(max_length=200)
    domain = models.CharField(max_length=50, blank=True)
    problem = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=[name, "place"], name=f"newest_by_{name}")
            for name in ("owner", "kind", "domain", "licence", "organisation")
        ]

    @property
    def identifier(self) -> str:
        """The concept's identifier."""
        return f"dure:{self.handle}"

    def __str__(self) -> str:
        return self.identifier


class Words(models.Model):
    """A record's row in the full-text index."""

    record = models.OneToOneField(
        Record, models.DO_NOTHING, to_field="place", db_column="rowid", primary_key=True, related_name="words"
    )
    terms = TermsField()

    class Meta:
        managed = False
        db_table = "catalogue_words"

    def __str__(self) -> str:
        return str(self.pk)


class Version(models.Model):
    """What was published, once; only a withdrawal can be added to it."""

    record = models.ForeignKey(Record, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    published = models.DateTimeField()
    publisher = models.ForeignKey(Account, models.PROTECT, related_name="+")
    plain = models.JSONField()
    sha256 = models.CharField(max_length=64)
    withdrawn = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["record", "number"], name="a_version_has_one_number")]

    @property
    def identifier(self) -> str:
        """The version's identifier."""
        return f"{self.record.identifier}/v{self.number}"

    @property
    def about(self) -> dict[str, Any]:
        """The metadata as data: what is published about the record, and nothing of its files."""
        return dict(self.plain["about"])

    @property
    def cited(self) -> dure.record.Published:
        """The version as it is cited."""
        about, when = dure.record.Record.from_plain(self.plain).about, self.published.date().isoformat()
        return dure.record.Published(about, self.identifier, f"{settings.URL}{self.path}", settings.NAME, when)

    @property
    def path(self) -> str:
        """Where the version's page is."""
        return f"/records/{self.record.handle}/v{self.number}"

    def __str__(self) -> str:
        return self.identifier


class Blob(models.Model):
    """Bytes an account uploaded, kept once for this account and for no other."""

    owner = models.ForeignKey(Account, models.PROTECT, related_name="+")
    sha256 = models.CharField(max_length=64)
    bytes = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["owner", "sha256"], name="once_for_an_owner")]

    def __str__(self) -> str:
        return self.sha256


class Upload(models.Model):
    """Bytes of which an account has sent a part; how many, the store knows."""

    owner = models.ForeignKey(Account, models.CASCADE, related_name="+")
    sha256 = models.CharField(max_length=64)
    bytes = models.BigIntegerField()
    began = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["owner", "sha256"], name="one_upload_at_a_time")]

    def __str__(self) -> str:
        return self.sha256


class VersionFile(models.Model):
    """A file of a version."""

    version = models.ForeignKey(Version, models.CASCADE, related_name="files")
    blob = models.ForeignKey(Blob, models.PROTECT, related_name="+")
    path = models.CharField(max_length=240)
    format = models.CharField(max_length=100)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["version", "path"], name="a_path_stands_once")]

    def __str__(self) -> str:
        return self.path


class Outcome(models.Model):
    """A value out of the files of a record's newest version."""

    record = models.ForeignKey(Record, models.CASCADE, related_name="outcomes")
    name = models.CharField(max_length=100)
    unit = models.CharField(max_length=100, blank=True)
    value = models.FloatField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["name", "value"], name="in_a_range")]

    def __str__(self) -> str:
        return self.name


class Reply(models.Model):
    """The answer to a call that carried a key, given again when the call is repeated."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="+")
    key = models.CharField(max_length=100)
    call = models.CharField(max_length=64)
    status = models.IntegerField()
    body = models.TextField()
    made = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["account", "key"], name="a_key_counts_once")]

    def __str__(self) -> str:
        return self.key
