"""What decides on access, besides accounts: the fields of a protected thing, its inputs, grants, requests; and the audit log.

The protected thing itself is the catalogue's, which stands above this room; it is named here by its label only.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from durehub.accounts.models import Account, Action, Organisation, Project
from durehub.lib import new_id

__all__ = ["AccessRequest", "Entry", "Grant", "Head", "Input", "Level", "Protected"]

_RECORD = "catalogue.Record"


class Level(models.IntegerChoices):
    """Who a level lets in, from widest to narrowest."""

    OPEN = 0, "open"
    REGISTERED = 1, "registered"
    CONSORTIUM = 2, "consortium"
    PRIVATE = 3, "private"


class Protected(models.Model):
    """Something with an owner and rules of access."""

    owner = models.ForeignKey(Account, models.PROTECT, related_name="+")
    project = models.ForeignKey(Project, models.PROTECT, null=True, blank=True, related_name="+")
    level = models.IntegerField(choices=Level.choices, default=Level.PRIVATE)
    files_level = models.IntegerField(choices=Level.choices, default=Level.PRIVATE)
    embargo = models.DateTimeField(null=True, blank=True)
    metadata_open = models.BooleanField(default=False)
    conditions = models.TextField(blank=True)

    class Meta:
        abstract = True


class Input(models.Model):
    """``record`` was derived from ``source``, directly or through others.

    ``agreed``: the source's owner lets it stand by itself.
    """

    record = models.ForeignKey(_RECORD, models.CASCADE, related_name="inputs")
    source = models.ForeignKey(_RECORD, models.PROTECT, related_name="+")
    agreed = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["record", "source"], name="an_input_counts_once")]

    def __str__(self) -> str:
        return f"input {self.pk}"


class Grant(models.Model):
    """One of account, organisation and project may do ``action`` with ``record`` until ``ends``."""

    handle = models.CharField(max_length=12, unique=True, default=new_id)
    record = models.ForeignKey(_RECORD, models.CASCADE, related_name="grants")
    account = models.ForeignKey(Account, models.CASCADE, null=True, blank=True, related_name="+")
    organisation = models.ForeignKey(Organisation, models.CASCADE, null=True, blank=True, related_name="+")
    project = models.ForeignKey(Project, models.CASCADE, null=True, blank=True, related_name="+")
    action = models.IntegerField(choices=[(one.value, one.label) for one in Action if one < Action.MANAGE])
    ends = models.DateTimeField()
    given_by = models.ForeignKey(Account, models.PROTECT, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="a_grant_names_one_subject",
                condition=(
                    models.Q(account__isnull=False, organisation__isnull=True, project__isnull=True)
                    | models.Q(account__isnull=True, organisation__isnull=False, project__isnull=True)
                    | models.Q(account__isnull=True, organisation__isnull=True, project__isnull=False)
                ),
            ),
            models.CheckConstraint(name="no_grant_gives_manage", condition=models.Q(action__lt=Action.MANAGE)),
        ]

    def __str__(self) -> str:
        return f"grant {self.handle}"


class AccessRequest(models.Model):
    """Somebody asks to read the files of a record they can see; a person who may manage it decides.

    The signed agreement, if there is one, is kept with the requester's own bytes.
    """

    class State(models.TextChoices):
        """What became of a request."""

        WAITING = "waiting"
        GRANTED = "granted"
        REFUSED = "refused"

    handle = models.CharField(max_length=12, unique=True, default=new_id)
    record = models.ForeignKey(_RECORD, models.CASCADE, related_name="requests")
    account = models.ForeignKey(Account, models.CASCADE, related_name="requests")
    purpose = models.TextField()
    conditions = models.TextField(blank=True)
    conditions_sha256 = models.CharField(max_length=64)
    agreement_sha256 = models.CharField(max_length=64, blank=True)
    agreement_bytes = models.BigIntegerField(default=0)
    asked = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    decided_by = models.ForeignKey(Account, models.PROTECT, null=True, blank=True, related_name="+")
    decided = models.DateTimeField(null=True, blank=True)
    answer = models.TextField(blank=True)
    grant = models.ForeignKey(Grant, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["record", "account"], condition=models.Q(state="waiting"), name="one_request_waits")
        ]

    def __str__(self) -> str:
        return f"request {self.handle}"


class Head(models.Model):
    """The newest entry of the audit log: the row every writer takes hold of first."""

    seq = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, default="0" * 64)

    def __str__(self) -> str:
        return f"{self.seq} {self.hash}"


class Entry(models.Model):
    """One line of the audit log; ``hash`` is that of all other fields, ``prev`` the hash of the line before."""

    seq = models.BigIntegerField(primary_key=True)
    time = models.CharField(max_length=30)
    kind = models.CharField(max_length=30)
    actor = models.CharField(max_length=40)
    about = models.CharField(max_length=120)
    detail = models.JSONField(default=dict)
    prev = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.seq} {self.kind} {self.about}"
