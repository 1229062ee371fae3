"""The project's settings: no more than SCIM needs, connections that are kept, no debugging."""

import os

SECRET_KEY = os.environ["BENCH_TOKEN"]
DEBUG = False
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django_scim", "bench.django_peer"]
MIDDLEWARE = ["bench.django_peer.wsgi.Bearer"]
ROOT_URLCONF = "bench.django_peer.urls"
AUTH_USER_MODEL = "django_peer.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
LOGGING_CONFIG = None
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": None,
        "NAME": os.environ["BENCH_NAME"],
        "USER": os.environ["BENCH_USER"],
        "PASSWORD": os.environ["BENCH_PASSWORD"],
        "HOST": os.environ["BENCH_HOST"],
        "PORT": os.environ["BENCH_PORT"],
        "OPTIONS": {
            "options": f"-c search_path={os.environ['BENCH_SCHEMA']}",
            "application_name": os.environ["BENCH_SCHEMA"],
        },
    }
}
SCIM_SERVICE_PROVIDER = {
    "NETLOC": "localhost",
    "SCHEME": "http",
    "AUTHENTICATION_SCHEMES": [{"type": "oauthbearertoken", "name": "Bearer", "description": "A token."}],
    "GROUP_MODEL": "bench.django_peer.models.Group",
}
