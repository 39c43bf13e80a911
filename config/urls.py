"""All addresses: health, the API, the office."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from core import health

urlpatterns = [
    path("", RedirectView.as_view(url="/api/docs"), name="home"),
    path("health", health.alive),
    path("health/ready", health.ready),
    path("api/", include("config.api_urls")),
    path("admin/", admin.site.urls),
]

handler400 = "core.api.errors.bad_request"
handler403 = "core.api.errors.permission_denied"
handler404 = "core.api.errors.page_not_found"
handler500 = "core.api.errors.server_error"
