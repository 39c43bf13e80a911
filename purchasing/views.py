"""Pages of purchasing."""

from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from accounts import pages
from accounts.forms import IdField
from accounts.models import User
from accounts.pages import only, right_required
from accounts.rights import Right
from core.errors import DomainError
from inventory import selectors as inventory
from inventory.models import Product
from purchasing.documents import downloads
from purchasing.forms import OrderForm
from purchasing.models import PurchaseOrder
from purchasing.selectors import documents as selectors
from purchasing.services import orders


@only("GET")
@right_required(Right.VIEW_COST)
def order_pdf(request: HttpRequest, order_id: int) -> HttpResponse:
    """An order as a PDF for its supplier."""
    return downloads.purchase_orders(request, [selectors.order(order_id)])


@only("GET", "POST")
@right_required(Right.CHANGE_ORDERS)
def new_order(request: HttpRequest) -> HttpResponse:
    """Make a draft of an order; ``?product=`` names the id of what to fill in."""
    product = _asked_for(request)
    user = pages.person(request)
    form = OrderForm(pages.posted(request), product=product)
    if request.method == "POST" and form.is_valid():
        try:
            order = _create(form.cleaned_data, actor=user)
        except DomainError as error:
            form.refuse(error)
        else:
            return _to(order, user)
    return pages.show(request, "purchasing/order_form.html", form, product=product)


@only("GET")
@right_required(Right.CHANGE_ORDERS)
def order_made(request: HttpRequest, order_id: int) -> HttpResponse:
    """Tell that an order was made, for those whom the office does not open to."""
    order = selectors.order(order_id)
    lines = selectors.lines([order], limit=1)[order.pk]
    return render(request, "purchasing/order_made.html", {"order": order, "lines": lines})


def _asked_for(request: HttpRequest) -> Product | None:
    """Return the product that the address names, if any. Raises ProductNotFound or Http404."""
    try:
        product_id = IdField().clean(request.GET.get("product", ""))
    except ValidationError as error:
        raise Http404 from error
    return None if product_id is None else inventory.product(product_id)


def _create(given: dict[str, Any], *, actor: User) -> PurchaseOrder:
    line = orders.Line(given["sku"].pk, given["quantity"])
    return orders.create(supplier_id=given["supplier"].pk, lines=[line], today=timezone.localdate(), actor=actor)


def _to(order: PurchaseOrder, user: User) -> HttpResponse:
    """Lead to the order: in the office for those who may use it."""
    if user.may(Right.USE_OFFICE):
        return redirect("admin:purchasing_purchaseorder_change", order.pk)
    return redirect("order-made", order.pk)
