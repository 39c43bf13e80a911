"""All addresses: health, the API, the office."""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import Group
from django.urls import include, path
from django.views.generic import RedirectView

from core import health

admin.site.site_header = admin.site.site_title = "Godown"
admin.site.index_title = "Office"
admin.site.unregister(Group)  # rights follow from the role alone

favicon = login_not_required(RedirectView.as_view(url=f"{settings.STATIC_URL}icon.svg", permanent=True))

urlpatterns = [
    path("", RedirectView.as_view(url="/api/docs"), name="home"),
    path("health", health.alive),
    path("health/ready", health.ready),
    path("api/", include("config.api_urls")),
    path("admin/", admin.site.urls),
    path("favicon.ico", favicon),
]

handler400 = "core.api.errors.bad_request"
handler403 = "core.api.errors.permission_denied"
handler404 = "core.api.errors.page_not_found"
handler500 = "core.api.errors.server_error"
