"""Documents as downloads: what API, pages and office answer alike."""

from collections.abc import Sequence

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.http import content_disposition_header

from core import limits
from purchasing.documents import orders
from purchasing.models import PurchaseOrder


def purchase_orders(request: HttpRequest, found: Sequence[PurchaseOrder]) -> HttpResponse:
    """Answer with ``found`` as one PDF; the limit on documents counts this, by the address it comes from.

    Raises TooManyRequests, TooMuchToPrint or DocumentFailed.
    """
    limits.count(request, group="pdf", rate=settings.RATE_LIMIT_PDF, fail_closed=False)
    disposition = content_disposition_header(True, orders.file_name(found)) or "attachment"
    return HttpResponse(
        orders.purchase_orders(found), content_type="application/pdf", headers={"Content-Disposition": disposition}
    )
