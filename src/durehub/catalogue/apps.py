"""The room as Django knows it."""

from django.apps import AppConfig


class Catalogue(AppConfig):
    """Records, versions, files, search."""

    name = "durehub.catalogue"
    label = "catalogue"
    default_auto_field = "django.db.models.BigAutoField"
