"""Pages of purchasing."""

from django.http import HttpRequest, HttpResponse

from accounts.pages import only, right_required
from accounts.rights import Right
from purchasing.documents import downloads
from purchasing.selectors import documents as selectors


@only("GET")
@right_required(Right.VIEW_COST)
def order_pdf(request: HttpRequest, order_id: int) -> HttpResponse:
    """An order as a PDF for its supplier."""
    return downloads.purchase_orders(request, [selectors.order(order_id)])
