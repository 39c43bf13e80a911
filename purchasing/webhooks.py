"""Where Wise reports: a door that opens to signatures, not to sessions."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from accounts.pages import only
from core import error_pages, limits, security_log
from purchasing import wise_webhooks
from purchasing.services import wise_inbox

MAX_BODY = 64 * 1024  # the longest message that Wise documents is under 1 KB
MAX_FORGED = "20/m"


@csrf_exempt
@login_not_required
@only("POST")
def wise(request: HttpRequest) -> HttpResponse:
    """Keep a message that Wise signed; a job looks into it. 401 for anything else, and nothing is kept."""
    if _is_too_long(request.META.get("CONTENT_LENGTH", "")):
        return error_pages.answer(request, 413, "too_large", "The message is too large.")
    raw = request.body
    signature = request.headers.get("X-Signature-SHA256", "")
    if not wise_webhooks.verify(raw, signature, key=settings.WISE_WEBHOOK_KEY):
        limits.count(request, group="webhook", rate=MAX_FORGED, fail_closed=False)
        security_log.event("webhook_refused", door="wise", size=len(raw))
        return error_pages.answer(request, 401, "bad_signature", "This was not signed by Wise.")
    is_test = request.headers.get("X-Test-Notification", "").lower() == "true"
    is_news = wise_inbox.keep(raw, delivery_id=request.headers.get("X-Delivery-Id", ""), is_test=is_test)
    return JsonResponse({"status": "kept" if is_news else "known"})


def _is_too_long(length: str) -> bool:
    """Whether a body of this length is more than Wise sends. What is no number, the framework takes for no body."""
    return length.isdecimal() and (len(length) > len(str(MAX_BODY)) or int(length) > MAX_BODY)
