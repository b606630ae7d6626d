"""Who asks: a visitor, or an account by its session or through a token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from dure.errors import DureError, InputError
from dure.i18n import _
from durehub.accounts.models import Account, Action, Identity, Invitation, Project, Token
from durehub.lib import digest_of, new_secret

__all__ = ["VISITOR", "Actor", "Missing", "account_of_identity", "actor_of_token", "invite", "issue_token", "join"]

_INVITATION_LASTS = timedelta(days=7)


class Missing(DureError):
    """There is no such thing, or not for this actor: nobody learns which."""


@dataclass(frozen=True)
class Actor:
    """``account`` None is a visitor; ``most`` and ``project`` are a token's bounds, without a token none."""

    account: Account | None = None
    most: Action = Action.MANAGE
    project: Project | None = None

    @property
    def active(self) -> Account | None:
        """The account, unless it is suspended."""
        return self.account if self.account is not None and self.account.is_active else None

    def __str__(self) -> str:
        return f"account {self.account.handle}" if self.account else "visitor"


VISITOR = Actor()


def issue_token(
    account: Account, name: str, *, most: Action, project: Project | None = None, days: int = 90
) -> tuple[Token, str]:
    """A new token of an account, and its secret, which is not kept."""
    secret, began = new_secret("dure"), timezone.now()
    token = Token(
        account=account, name=name, digest=digest_of(secret), most=most, project=project, ends=began + timedelta(days=days)
    )
    token.save()
    return token, secret


def actor_of_token(secret: str) -> Actor | None:
    """Whoever the secret stands for; None when it never was, has ended, was withdrawn, or its account is suspended."""
    token = Token.objects.select_related("account__organisation", "project").filter(digest=digest_of(secret)).first()
    if token is None or not token.holds(timezone.now()) or not token.account.is_active:
        return None
    return Actor(token.account, Action(token.most), token.project)


def invite(*, operator: bool = False) -> str:
    """A one-time secret for one new account."""
    secret = new_secret("join")
    Invitation(digest=digest_of(secret), operator=operator, ends=timezone.now() + _INVITATION_LASTS).save()
    return secret


def join(secret: str, *, email: str, name: str, password: str) -> Account:
    """Make the account an invitation is for; it can be used once.

    Raises:
        InputError: the invitation does not hold, the address has an account, or the password is too weak.
    """
    with transaction.atomic():
        found = (
            Invitation.objects.select_for_update().filter(digest=digest_of(secret), used=False, ends__gt=timezone.now()).first()
        )
        if found is None:
            raise InputError(_("this invitation does not hold (any more); ask the hub's operator for another"))
        account = Account(email=email.strip().lower(), name=name.strip(), is_operator=found.operator)
        try:
            validate_password(password, account)
            account.set_password(password)
            account.full_clean()
            account.save()
        except (ValidationError, IntegrityError) as error:
            raise InputError(" ".join(error.messages) if isinstance(error, ValidationError) else str(error)) from None
        found.used = True
        found.save()
    return account


def account_of_identity(issuer: str, subject: str, *, email: str, verified: bool, name: str) -> Account:
    """The account of somebody whom a provider vouches for, made at the first sign-in.

    An address is never what joins the two: whoever could choose their address at the provider would take over an account here.

    Raises:
        InputError: the provider gives no address it has verified, or an account that signs in otherwise has the address.
    """
    known = Identity.objects.select_related("account__organisation").filter(issuer=issuer, subject=subject).first()
    if known is not None:
        return known.account
    address = email.strip().lower()
    if not address or not verified:
        raise InputError(_("the provider gives no verified address of yours, which an account here needs"))
    try:
        with transaction.atomic():
            if Account.objects.filter(email=address).exists():
                raise InputError(_("{address} has an account here that signs in by password; use that").format(address=address))
            account = Account(email=address, name=(name.strip() or address.partition("@")[0])[:100])
            account.set_unusable_password()
            account.full_clean(exclude=["password"])
            account.save()
            Identity.objects.create(account=account, issuer=issuer, subject=subject)
    except (ValidationError, IntegrityError) as error:
        raise InputError(" ".join(error.messages) if isinstance(error, ValidationError) else str(error)) from None
    return account
