"""The addresses of pages."""

from django.urls import path

from durehub.web import pages, signing

__all__ = ["urlpatterns"]

urlpatterns = [
    path("", pages.search, name="search"),
    path("records/<str:handle>", pages.record, name="record"),
    path("records/<str:handle>/v<int:number>", pages.record, name="version"),
    path("records/<str:handle>/v<int:number>/files/<path:name>", pages.file, name="file"),
    path("records/<str:handle>/v<int:number>/previews/<path:name>", pages.preview, name="preview"),
    path("records/<str:handle>/v<int:number>/citation.<str:style>", pages.citation, name="citation"),
    path("records/<str:handle>/request", pages.ask, name="ask"),
    path("requests", pages.requests, name="requests"),
    path("requests/<str:handle>", pages.decide, name="decide"),
    path("sign-in", signing.sign_in, name="sign-in"),
    path("sign-in/provider", signing.provider, name="provider"),
    path("sign-in/returned", signing.returned, name="returned"),
    path("sign-out", signing.sign_out, name="sign-out"),
    path("join", signing.join, name="join"),
    path("language", signing.language, name="language"),
]
