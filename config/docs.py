"""The OpenAPI document and its page, for signed-in users."""

from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponseBase
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.exceptions import NotAuthenticated

from accounts.api.permissions import SignedIn


class SchemaView(SpectacularAPIView):
    """GET /api/schema: OpenAPI 3.1, as JSON or YAML."""

    permission_classes = [SignedIn]
    renderer_classes = [OpenApiJsonRenderer, OpenApiYamlRenderer]


class Docs(SpectacularSwaggerSplitView):
    """GET /api/docs: the API to read and to try."""

    permission_classes = [SignedIn]
    url_self = "/api/docs"
    template_name = "docs.html"

    def handle_exception(self, exc: Exception) -> HttpResponseBase:  # type: ignore[override]
        """Send people to the sign-in page: it is they who open this address, and a JSON error helps nobody."""
        if isinstance(exc, NotAuthenticated):
            return redirect_to_login("/api/docs")
        return super().handle_exception(exc)
