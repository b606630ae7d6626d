"""Django's settings, all from the environment.

DUREHUB_HOME      folder for everything: files, secret key, receipts and, without a database of its own, SQLite
DUREHUB_DATABASE  postgresql://user:password@host:port/name; SQLite in the home unless given
DUREHUB_URL       the address people use; http://127.0.0.1:8400 unless given. With https, cookies need it too
DUREHUB_NAME      what the hub is called in citations
DUREHUB_LOGS      json for a line of JSON for every call and warning; plain text of warnings unless given
DUREHUB_MOST_BYTES, DUREHUB_ACCOUNT_BYTES, DUREHUB_ORGANISATION_BYTES
                  the most bytes of a file, and of all that an account or an organisation's accounts store: 20 GiB, 200 GiB, 2 TiB
DUREHUB_OIDC_ISSUER, DUREHUB_OIDC_CLIENT, DUREHUB_OIDC_SECRET, DUREHUB_OIDC_NAME
                  a provider of OpenID Connect that people may sign in with, and what it is called on the page
"""

import os
import secrets
from pathlib import Path
from urllib.parse import unquote, urlsplit

HOME = Path(os.environ.get("DUREHUB_HOME", "hub")).resolve()
URL = os.environ.get("DUREHUB_URL", "http://127.0.0.1:8400").rstrip("/")
LOGS = "json" if os.environ.get("DUREHUB_LOGS") == "json" else "plain"
NAME = os.environ.get("DUREHUB_NAME", "Dure hub")
OIDC_ISSUER = os.environ.get("DUREHUB_OIDC_ISSUER", "").rstrip("/")
OIDC_NAME = os.environ.get("DUREHUB_OIDC_NAME", "OpenID Connect")
AUTHLIB_OAUTH_CLIENTS = {
    "provider": {
        "client_id": os.environ.get("DUREHUB_OIDC_CLIENT", ""),
        "client_secret": os.environ.get("DUREHUB_OIDC_SECRET", ""),
        "server_metadata_url": f"{OIDC_ISSUER}/.well-known/openid-configuration",
        "client_kwargs": {"scope": "openid email profile", "code_challenge_method": "S256", "timeout": 10},
    }
}
MOST_BYTES = int(os.environ.get("DUREHUB_MOST_BYTES", str(20 * 2**30)))
ACCOUNT_BYTES = int(os.environ.get("DUREHUB_ACCOUNT_BYTES", str(200 * 2**30)))
ORGANISATION_BYTES = int(os.environ.get("DUREHUB_ORGANISATION_BYTES", str(2 * 2**40)))


def _secret() -> str:
    """The key cookies and cursors are signed with: made once, kept beside the data, readable by the owner only."""
    file = HOME / "secret"
    HOME.mkdir(parents=True, exist_ok=True)
    try:
        with open(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as stream:
            stream.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    return file.read_text("utf-8")


def _database() -> dict[str, object]:
    given = urlsplit(os.environ.get("DUREHUB_DATABASE", ""))
    if given.scheme in ("postgresql", "postgres"):
        parts = {"NAME": given.path.lstrip("/"), "USER": given.username, "PASSWORD": given.password, "HOST": given.hostname}
        plain = {name: unquote(value) for name, value in parts.items() if value}
        return {"ENGINE": "django.db.backends.postgresql", **plain, "PORT": str(given.port or ""), "CONN_MAX_AGE": 60}
    setting = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL"
    options = {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": setting}
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": HOME / "hub.sqlite", "OPTIONS": options}


SECRET_KEY = _secret()
DATABASES = {"default": _database()}
DEBUG = False
ALLOWED_HOSTS = [urlsplit(URL).hostname or "127.0.0.1", "127.0.0.1", "localhost", "[::1]"]
CSRF_TRUSTED_ORIGINS = [URL]
ROOT_URLCONF = "durehub.serve.urls"
WSGI_APPLICATION = "durehub.serve.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ, TIME_ZONE, USE_I18N, LANGUAGE_CODE = True, "UTC", True, "en"
LANGUAGES = [("en", "English"), ("ko", "한국어")]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "axes",
    "django_htmx",
    "durehub.accounts.apps.Accounts",
    "durehub.catalogue.apps.Catalogue",
    "durehub.policy.apps.Policy",
    "durehub.web.apps.Web",
]
MIDDLEWARE = [
    "durehub.web.watching.watched",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "durehub.web.middleware.headers",
    "django.middleware.http.ConditionalGetMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "durehub.web.middleware.speech",
    "durehub.web.middleware.formless",
    "durehub.web.middleware.whole",
    "axes.middleware.AxesMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [Path(__file__).parents[1] / "web" / "templates"],
        "OPTIONS": {"environment": "durehub.web.rendering.environment"},
    }
]

AUTH_USER_MODEL = "accounts.Account"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
_VALIDATORS = "django.contrib.auth.password_validation."
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_VALIDATORS}MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": f"{_VALIDATORS}CommonPasswordValidator"},
    {"NAME": f"{_VALIDATORS}UserAttributeSimilarityValidator", "OPTIONS": {"user_attributes": ("email", "name")}},
]
LOGIN_URL, LOGIN_REDIRECT_URL, LOGOUT_REDIRECT_URL = "/sign-in", "/", "/"
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_FORM_FIELD = "username"  # what authenticate() is called with
AXES_VERBOSE = False
AXES_ENABLE_ACCESS_FAILURE_LOG = False
AXES_LOCKOUT_CALLABLE = "durehub.web.signing.locked_out"

_TLS = URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _TLS
SECURE_HSTS_SECONDS = 31_536_000 if _TLS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _TLS else None
SESSION_COOKIE_HTTPONLY, SESSION_COOKIE_SAMESITE, CSRF_COOKIE_HTTPONLY = True, "Lax", True
SESSION_COOKIE_AGE = 14 * 86_400
SECURE_CONTENT_TYPE_NOSNIFF, SECURE_REFERRER_POLICY = True, "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 2**20
# A form's file is read into memory, or, where it is larger, left out.
FILE_UPLOAD_MAX_MEMORY_SIZE = 10 * 2**20
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
STATICFILES_DIRS = [Path(__file__).parents[1] / "web" / "static"]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"},
        "json": {"()": "pythonjsonlogger.json.JsonFormatter", "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": LOGS}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "durehub.calls": {"level": "INFO" if LOGS == "json" else "WARNING"},
        "axes": {"level": "ERROR"},
        "django.request": {"level": "ERROR"},
    },
}
