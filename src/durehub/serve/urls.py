"""All addresses."""

from django.urls import include, path

from durehub.api.routes import api

__all__ = ["handler404", "handler500", "urlpatterns"]

handler404 = "durehub.web.rendering.missing"
handler500 = "durehub.web.rendering.broken"
urlpatterns = [path("api/v1/", api.urls), path("", include("durehub.web.urls"))]
