"""The addresses of pages."""

from django.urls import path

from durehub.web import pages, people, signing

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
    path("requests/<str:handle>/agreement", pages.agreement, name="agreement"),
    path("account", people.account, name="account"),
    path("account/tokens", people.token, name="token"),
    path("account/tokens/<int:number>", people.end_token, name="end-token"),
    path("account/leave", people.leave, name="leave"),
    path("projects", people.projects, name="projects"),
    path("projects/<str:handle>", people.project, name="project"),
    path("organisations/<int:number>", people.organisation, name="organisation"),
    path("operator", people.operator, name="operator"),
    path("operator/do", people.operate, name="operate"),
    path("sign-in", signing.sign_in, name="sign-in"),
    path("sign-in/provider", signing.provider, name="provider"),
    path("sign-in/returned", signing.returned, name="returned"),
    path("sign-out", signing.sign_out, name="sign-out"),
    path("join", signing.join, name="join"),
    path("language", signing.language, name="language"),
]
