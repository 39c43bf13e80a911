"""All addresses: pages, health, the API, the office."""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.generic import RedirectView

from core import health
from purchasing import webhooks

favicon = login_not_required(RedirectView.as_view(url=f"{settings.STATIC_URL}icon.svg", permanent=True))

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="account"), name="home"),
    path("health", health.alive),
    path("health/ready", health.ready),
    path("api/", include("config.api_urls")),
    path("admin", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("favicon.ico", favicon),
    path("webhooks/wise", webhooks.wise),
    path("", include("accounts.urls")),
    path("", include("purchasing.urls")),
    path("", include("planning.urls")),
]

handler400 = "core.error_pages.bad_request"
handler403 = "core.error_pages.permission_denied"
handler404 = "core.error_pages.page_not_found"
handler500 = "core.error_pages.server_error"
