"""The room as Django knows it."""

from django.apps import AppConfig


class Web(AppConfig):
    """Pages."""

    name = "durehub.web"
    label = "web"
