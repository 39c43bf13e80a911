"""The WSGI door that the HTTP server opens."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")

application = get_wsgi_application()

from config import start  # noqa: E402 - needs the apps that the line above loads

start.refuse_demo_password()
