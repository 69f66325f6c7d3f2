"""One settings file, driven by environment variables RULEBOOK_* (the README lists them).

Nothing here stops a wrong value: `checks.py` reports it with an id and a remedy, so that an operator reads a
sentence and not a traceback.
"""

import os
from pathlib import Path

from rulebook import environment

BASE_DIR = Path(__file__).resolve().parent.parent

PRODUCTION = environment.flag("RULEBOOK_PRODUCTION")
# Off also on a first run: it would keep every SQL statement of an import in memory.
DEBUG = environment.flag("RULEBOOK_DEBUG")
DATA_DIR = Path(os.environ.get("RULEBOOK_DATA_DIR", "") or BASE_DIR / ".rulebook").absolute()

DATABASES = {"default": environment.database(os.environ.get("RULEBOOK_DATABASE_URL", ""), DATA_DIR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The folder of the keys stands beside the database file; for a database on a server it is RULEBOOK_DATA_DIR.
KEY_DIR = environment.beside(DATABASES["default"], DATA_DIR)
environment.make_folder(KEY_DIR)
environment.make_private(DATABASES["default"])
SECRET_KEY = environment.secret_key(KEY_DIR, production=PRODUCTION)
KEY_RING_FILE = Path(os.environ.get("RULEBOOK_KEY_RING", "") or KEY_DIR / "key_ring.json")
AGENT_KEYS = environment.flag("RULEBOOK_AGENT_KEYS")
# Who proposed a removal does not decide it: in the full lane ("full_lane"), or "always".
FOUR_EYES = environment.four_eyes(default="full_lane")
# Uploaded files hold raw ids. They lie here from their first byte until they are swept.
UPLOAD_DIR = KEY_DIR / "uploads"
environment.make_folder(UPLOAD_DIR)
FILE_UPLOAD_TEMP_DIR = UPLOAD_DIR
# Who runs `work` for what is due: the web server by itself, or (off) the operator with `manage.py work --forever`.
WORKER = environment.worker(default="auto")

# Letters are sent where a mail server is named; else people read them at the desk.
mail = environment.mail(os.environ.get("RULEBOOK_MAIL_URL", ""))
SENDS_MAIL = bool(mail)
EMAIL_HOST, EMAIL_PORT = mail.get("EMAIL_HOST", "localhost"), mail.get("EMAIL_PORT", 25)
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = mail.get("EMAIL_HOST_USER", ""), mail.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_SSL, EMAIL_USE_TLS = mail.get("EMAIL_USE_SSL", False), mail.get("EMAIL_USE_TLS", False)
EMAIL_TIMEOUT = mail.get("EMAIL_TIMEOUT")
DEFAULT_FROM_EMAIL = os.environ.get("RULEBOOK_MAIL_FROM", "") or "rulebook@localhost"
PUBLIC_URL = environment.public_url()

LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = environment.words("RULEBOOK_ALLOWED_HOSTS") or ([] if PRODUCTION else LOCAL_HOSTS)
CSRF_TRUSTED_ORIGINS = environment.words("RULEBOOK_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_filters",
    "django_htmx",  # its middleware, and htmx itself as a static file
    "rest_framework",
    "rulebook.apps.RulebookConfig",
    "rulebook.journal.apps.JournalConfig",
    "rulebook.access.apps.AccessConfig",
    "rulebook.catalogue.apps.CatalogueConfig",
    "rulebook.cases.apps.CasesConfig",
    "rulebook.flags.apps.FlagsConfig",
    "rulebook.votes.apps.VotesConfig",
    "rulebook.insight.apps.InsightConfig",
    "rulebook.notices.apps.NoticesConfig",
    "rulebook.review.apps.ReviewConfig",
    "rulebook.desk.apps.DeskConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "rulebook.desk.middleware.content_security",
    "rulebook.desk.middleware.CompressedOutsideAdmin",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "rulebook.desk.middleware.SpokenLanguage",
    "django_htmx.middleware.HtmxMiddleware",
    "rulebook.desk.middleware.refuse_nul",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "rulebook.urls"
WSGI_APPLICATION = "rulebook.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "rulebook" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

AUTH_USER_MODEL = "access.Person"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
CSRF_FAILURE_VIEW = "rulebook.access.views.page_was_old"

LANGUAGE_CODE = "en"
LANGUAGE_COOKIE_AGE = 365 * 86_400  # seconds
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGES = [("en", "English"), ("da", "Dansk"), ("nb", "Norsk bokmål"), ("sv", "Svenska")]
LOCALE_PATHS = [BASE_DIR / "rulebook" / "locale"]
# Dates only. Thousands are separated by `numbers.py`: a switch for all templates would put separators into addresses.
FORMAT_MODULE_PATH = ["rulebook.desk.formats"]
USE_TZ = True
# Stored instants are UTC. This is the zone of screens, and of a source whose first import names none.
TIME_ZONE = environment.time_zone(default="Europe/Copenhagen")

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "rulebook" / "static"]
# Served from where the packages keep them. There is no STATIC_ROOT and no collectstatic: one step fewer to forget.
WHITENOISE_USE_FINDERS = True

SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = SECURE_SSL_REDIRECT = PRODUCTION
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
# Both headers are believed: the one that tells https here, the one that tells the client's address in access/limits.py.
BEHIND_PROXY = environment.flag("RULEBOOK_BEHIND_PROXY")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None

REST_FRAMEWORK = {"DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"]}

# What the admin wears, in the order in which the files speak: the colours first, then what all pages share, then each
# kind of page. A page's own file may say more about a shared part, so it comes after it.
DESK_STYLES = (
    "tokens", "parts", "lists", "fields", "charts", "frame", "sidebar", "outside",
    "cases", "rules", "rule", "start", "top", "front_door", "votes", "flags",
    "reviews",
)  # fmt: skip

UNFOLD = {
    "SITE_TITLE": "Rulebook",
    "SITE_HEADER": "Rulebook",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: f"/{STATIC_URL}favicon.svg"}],
    "SITE_URL": None,  # the admin is the site; a link to it from itself leads nowhere
    # Functions: what is given as text Unfold tries to import, on every page.
    "STYLES": [lambda request, name=name: f"/{STATIC_URL}desk/{name}.css" for name in DESK_STYLES],
    "SCRIPTS": [lambda request: f"/{STATIC_URL}rulebook.js"],
    "ENVIRONMENT": "rulebook.desk.navigation.sample_tag",
    "DASHBOARD_CALLBACK": "rulebook.desk.pages.start.start_page",
    "SIDEBAR": {"navigation": "rulebook.desk.navigation.sidebar"},
    "LANGUAGES": {
        # What the admin speaks; the switch stands in the menu of the person.
        "navigation": [{"code": "en", "name_local": "English"}, {"code": "da", "name_local": "Dansk"}],
    },
    "LOGIN": {"form": "rulebook.desk.signing_in.SignInForm"},
    "BORDER_RADIUS": "8px",
    "COLORS": {
        "primary": {
            "50": "#F1F8F8", "100": "#E0EFF0", "200": "#BEDDE0", "300": "#98CFD5", "400": "#74C5CE", "500": "#3E9DA8",
            "600": "#0E5F69", "700": "#0C515A", "800": "#0A434B", "900": "#08363D", "950": "#06262B",
        },
        "base": {
            "50": "#F6F7F5", "100": "#EEF1EF", "200": "#D9DEDC", "300": "#C3CACA", "400": "#98A4A7", "500": "#5F6A6D",
            "600": "#4F5B5D", "700": "#334145", "800": "#212C2F", "900": "#182123", "950": "#101719",
        },
        "font": {
            "subtle-light": "#4F5B5D", "default-light": "#182022", "important-light": "#182022",
            "subtle-dark": "#AAB7B9", "default-dark": "#EDF1F0", "important-dark": "#EDF1F0",
        },
    },
}  # fmt: skip

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"no_secrets": {"()": "rulebook.access.tokens.NoSecrets"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "filters": ["no_secrets"]}},
    # Requests to runserver. Without a time: an hour beside a page of the front line would be the hour of a flag.
    "loggers": {
        "django.server": {"handlers": ["console"], "level": "INFO", "propagate": False},
        "django.template": {"level": "INFO"},  # below that it writes down all that stands on a page
    },
    "root": {"handlers": ["console"], "level": environment.log_level(default="WARNING")},
}
