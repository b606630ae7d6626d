"""The room as Django knows it."""

from django.apps import AppConfig


class Policy(AppConfig):
    """Rules, grants, requests, the audit log."""

    name = "durehub.policy"
    label = "policy"
    default_auto_field = "django.db.models.BigAutoField"
