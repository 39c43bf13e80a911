"""The WSGI door that the HTTP server opens."""

import django

from config import environment

environment.prepare()
django.setup(set_prefix=False)

from config import start  # noqa: E402 - needs the apps that the line above loads
from core.wsgi import Handler  # noqa: E402 - likewise

application = Handler()

start.refuse_demo_password()
