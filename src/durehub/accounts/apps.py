"""The room as Django knows it."""

from django.apps import AppConfig


class Accounts(AppConfig):
    """Accounts, organisations, projects."""

    name = "durehub.accounts"
    label = "accounts"
    default_auto_field = "django.db.models.BigAutoField"
