"""Accounts, organisations, projects, tokens and invitations."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from durehub.lib import new_id

__all__ = ["Account", "Action", "Identity", "Invitation", "Membership", "Organisation", "Project", "Role", "Token"]


class Action(models.IntegerChoices):
    """What can be done with a record; each contains those before it."""

    SEE = 0, "see"
    READ = 1, "read"
    WRITE = 2, "write"
    MANAGE = 3, "manage"


class Role(models.IntegerChoices):
    """What a member of a project is."""

    READER = 0, "reader"
    CONTRIBUTOR = 1, "contributor"
    MANAGER = 2, "manager"


class Organisation(models.Model):
    """An institute, a university or a company. ``most_bytes`` is what its accounts may store together; None: as the hub says."""

    class Kind(models.TextChoices):
        """What sort of organisation."""

        INSTITUTE = "institute"
        UNIVERSITY = "university"
        COMPANY = "company"

    name = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.INSTITUTE)
    ror = models.CharField(max_length=60, blank=True)
    suspended = models.BooleanField(default=False)
    most_bytes = models.BigIntegerField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class _Manager(BaseUserManager["Account"]):
    def create_user(self, email: str, name: str, password: str | None = None, **more: Any) -> Account:
        """An account with a hashed password, or with none that could be used."""
        account = self.model(email=email.strip().lower(), name=name, **more)
        account.set_password(password)
        account.save(using=self._db)
        return account


class Account(AbstractBaseUser):
    """A person. An operator may invite people, suspend accounts and found organisations, and has no rights to records by it.

    ``leads`` may take others into the organisation and out of it. ``most_bytes`` may be stored; None: as the hub says.
    """

    handle = models.CharField(max_length=12, unique=True, default=new_id)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=100)
    orcid = models.CharField(max_length=60, blank=True)
    organisation = models.ForeignKey(Organisation, models.PROTECT, null=True, blank=True, related_name="accounts")
    leads = models.BooleanField(default=False)
    is_operator = models.BooleanField(default=False)
    suspended = models.BooleanField(default=False)
    most_bytes = models.BigIntegerField(null=True, blank=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar = ["name"]
    objects: ClassVar[_Manager] = _Manager()

    @property
    def is_active(self) -> bool:  # type: ignore[override] # Django declares a plain attribute, and reads it before sign-in
        """Neither the account nor its organisation is suspended."""
        return not self.suspended and not (self.organisation is not None and self.organisation.suspended)

    def __str__(self) -> str:
        return self.name


class Identity(models.Model):
    """Who an account is to a provider of OpenID Connect: the provider, and its own unchanging name for the person."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="identities")
    issuer = models.CharField(max_length=200)
    subject = models.CharField(max_length=255)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["issuer", "subject"], name="one_account_an_identity")]

    def __str__(self) -> str:
        return f"{self.account} at {self.issuer}"


class Project(models.Model):
    """A common undertaking of people from any organisations."""

    handle = models.CharField(max_length=12, unique=True, default=new_id)
    title = models.CharField(max_length=200)
    members = models.ManyToManyField(Account, through="Membership", related_name="projects")

    def __str__(self) -> str:
        return self.title


class Membership(models.Model):
    """An account's role in a project."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="memberships")
    account = models.ForeignKey(Account, models.CASCADE, related_name="memberships")
    role = models.IntegerField(choices=Role.choices, default=Role.READER)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "account"], name="one_role_a_member")]

    def __str__(self) -> str:
        return f"{self.account} in {self.project}"


class Token(models.Model):
    """A secret that stands for an account, up to one action and perhaps in one project only; its hash is all that is kept."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    most = models.IntegerField(choices=Action.choices)
    project = models.ForeignKey(Project, models.CASCADE, null=True, blank=True)
    ends = models.DateTimeField()
    withdrawn = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.name

    def holds(self, now: datetime) -> bool:
        """Neither ended nor withdrawn."""
        return now < self.ends and not self.withdrawn


class Invitation(models.Model):
    """A one-time secret with which somebody makes an account."""

    digest = models.CharField(max_length=64, unique=True)
    operator = models.BooleanField(default=False)
    ends = models.DateTimeField()
    used = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"invitation {self.pk}"
