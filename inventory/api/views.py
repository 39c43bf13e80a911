"""Suppliers, products and stock over HTTP: parse, call, answer."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.idempotency import idempotent
from accounts.api.permissions import actor_of
from accounts.api.privacy import shown, shown_rows
from accounts.rights import Right
from core import limits
from core.api.documents import paged
from core.api.filters import read
from core.api.pagination import Cursor, Pages, page
from core.api.parsing import parse
from inventory import selectors
from inventory.api import serializers as shapes
from inventory.api.payloads import Adjust, ReceiveShipment
from inventory.services import ledger, products, suppliers


class ProductList(APIView):
    """The catalogue."""

    rights = {"GET": Right.VIEW_CATALOGUE, "POST": Right.CHANGE_CATALOGUE}

    @extend_schema(parameters=[shapes.ProductFilters], responses=paged(shapes.ProductOutput))
    def get(self, request: Request) -> Response:
        """List products by SKU."""
        rows = selectors.products(**read(shapes.ProductFilters, request))
        return page(rows, request, self, shapes.ProductOutput)

    @extend_schema(request=shapes.ProductInput, responses={201: shapes.ProductOutput})
    def post(self, request: Request) -> Response:
        """Add a product, with its first price and an empty stock level."""
        form = shapes.ProductInput(data=request.data)
        form.is_valid(raise_exception=True)
        made = products.create(**form.validated_data, today=timezone.localdate(), actor=actor_of(request))
        return _product(made.pk, request, status.HTTP_201_CREATED)


class ProductDetail(APIView):
    """One product."""

    rights = {
        "GET": Right.VIEW_CATALOGUE,
        "PUT": Right.CHANGE_CATALOGUE,
        "PATCH": Right.CHANGE_CATALOGUE,
        "DELETE": Right.CHANGE_CATALOGUE,
    }

    @extend_schema(responses=shapes.ProductOutput)
    def get(self, request: Request, product_id: int) -> Response:
        """Return a product with its supplier."""
        return _product(product_id, request)

    @extend_schema(request=shapes.ProductInput(partial=True), responses=shapes.ProductOutput)
    def patch(self, request: Request, product_id: int) -> Response:
        """Change the fields given."""
        form = shapes.ProductInput(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        products.update(product_id, **form.validated_data, today=timezone.localdate(), actor=actor_of(request))
        return _product(product_id, request)

    @extend_schema(request=shapes.ProductInput(partial=True), responses=shapes.ProductOutput)
    def put(self, request: Request, product_id: int) -> Response:
        """Change the fields given, like PATCH."""
        return self.patch(request, product_id)

    @extend_schema(responses={200: shapes.ProductOutput})
    def delete(self, request: Request, product_id: int) -> Response:
        """Stop selling a product; it stays readable, with its history."""
        products.deactivate(product_id, today=timezone.localdate(), actor=actor_of(request))
        return _product(product_id, request)


class PriceHistory(APIView):
    """What a product cost, when."""

    rights = {"GET": Right.VIEW_COST}

    @extend_schema(responses=paged(shapes.PriceOutput))
    def get(self, request: Request, product_id: int) -> Response:
        """List the prices of a product, newest first."""
        return page(selectors.price_history(product_id), request, self, shapes.PriceOutput)


class SupplierList(APIView):
    """The suppliers."""

    rights = {"GET": Right.VIEW_CATALOGUE, "POST": Right.CHANGE_CATALOGUE}

    @extend_schema(parameters=[shapes.SupplierFilters], responses=paged(shapes.SupplierOutput))
    def get(self, request: Request) -> Response:
        """List suppliers by name."""
        rows = selectors.suppliers(**read(shapes.SupplierFilters, request))
        return page(rows, request, self, shapes.SupplierOutput)

    @extend_schema(request=shapes.SupplierCreate, responses={201: shapes.SupplierDetail})
    def post(self, request: Request) -> Response:
        """Add a supplier, with its contacts."""
        form = shapes.SupplierCreate(data=request.data)
        form.is_valid(raise_exception=True)
        made = suppliers.create(**form.validated_data, actor=actor_of(request))
        return _supplier(made.pk, request, status.HTTP_201_CREATED)


class SupplierDetail(APIView):
    """One supplier."""

    rights = ProductDetail.rights

    @extend_schema(responses=shapes.SupplierDetail)
    def get(self, request: Request, supplier_id: int) -> Response:
        """Return a supplier with its contacts."""
        return _supplier(supplier_id, request)

    @extend_schema(request=shapes.SupplierInput(partial=True), responses=shapes.SupplierDetail)
    def patch(self, request: Request, supplier_id: int) -> Response:
        """Change the fields given."""
        form = shapes.SupplierInput(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        suppliers.update(supplier_id, **form.validated_data, actor=actor_of(request))
        return _supplier(supplier_id, request)

    @extend_schema(request=shapes.SupplierInput(partial=True), responses=shapes.SupplierDetail)
    def put(self, request: Request, supplier_id: int) -> Response:
        """Change the fields given, like PATCH."""
        return self.patch(request, supplier_id)

    @extend_schema(responses={200: shapes.SupplierDetail})
    def delete(self, request: Request, supplier_id: int) -> Response:
        """Take a supplier out of use; it stays readable, with its history."""
        suppliers.deactivate(supplier_id, actor=actor_of(request))
        return _supplier(supplier_id, request)


class ContactList(APIView):
    """The contacts of a supplier."""

    rights = {"GET": Right.VIEW_CATALOGUE, "POST": Right.CHANGE_CATALOGUE}

    @extend_schema(responses=paged(shapes.ContactOutput))
    def get(self, request: Request, supplier_id: int) -> Response:
        """List the contacts of a supplier."""
        return page(selectors.contacts(supplier_id), request, self, shapes.ContactOutput)

    @extend_schema(request=shapes.ContactInput, responses={201: shapes.ContactOutput})
    def post(self, request: Request, supplier_id: int) -> Response:
        """Add a contact."""
        form = shapes.ContactInput(data=request.data)
        form.is_valid(raise_exception=True)
        contact = suppliers.add_contact(supplier_id, **form.validated_data, actor=actor_of(request))
        return shown(shapes.ContactOutput, contact, request, status.HTTP_201_CREATED)


class ContactDetail(APIView):
    """One contact of a supplier."""

    rights = {
        "PUT": Right.CHANGE_CATALOGUE,
        "PATCH": Right.CHANGE_CATALOGUE,
        "DELETE": Right.CHANGE_CATALOGUE,
    }

    @extend_schema(request=shapes.ContactInput(partial=True), responses=shapes.ContactOutput)
    def patch(self, request: Request, supplier_id: int, contact_id: int) -> Response:
        """Change the fields given."""
        form = shapes.ContactInput(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        contact = suppliers.change_contact(supplier_id, contact_id, **form.validated_data, actor=actor_of(request))
        return shown(shapes.ContactOutput, contact, request)

    @extend_schema(request=shapes.ContactInput(partial=True), responses=shapes.ContactOutput)
    def put(self, request: Request, supplier_id: int, contact_id: int) -> Response:
        """Change the fields given, like PATCH."""
        return self.patch(request, supplier_id, contact_id)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, supplier_id: int, contact_id: int) -> Response:
        """Remove a contact."""
        suppliers.remove_contact(supplier_id, contact_id, actor=actor_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class BankAccountList(APIView):
    """The bank accounts of a supplier."""

    rights = {"GET": Right.VIEW_BANK_DETAILS, "POST": Right.CHANGE_BANK_DETAILS}

    @extend_schema(responses=paged(shapes.BankAccountOutput))
    def get(self, request: Request, supplier_id: int) -> Response:
        """List the bank accounts of a supplier; of a number, the last four digits."""
        return page(selectors.bank_accounts(supplier_id), request, self, shapes.BankAccountOutput)

    @extend_schema(request=shapes.BankAccountInput, responses={201: shapes.BankAccountOutput})
    def post(self, request: Request, supplier_id: int) -> Response:
        """Add a bank account; the number is stored encrypted."""
        form = shapes.BankAccountInput(data=request.data)
        form.is_valid(raise_exception=True)
        account = suppliers.add_bank_account(supplier_id, **form.validated_data, actor=actor_of(request))
        return shown(shapes.BankAccountOutput, account, request, status.HTTP_201_CREATED)


class BankAccountDetail(APIView):
    """One bank account."""

    rights = {"PUT": Right.CHANGE_BANK_DETAILS, "PATCH": Right.CHANGE_BANK_DETAILS}

    @extend_schema(request=shapes.BankAccountUpdate, responses=shapes.BankAccountOutput)
    def patch(self, request: Request, supplier_id: int, account_id: int) -> Response:
        """Change the fields given; another number is another account."""
        form = shapes.BankAccountUpdate(data=request.data)
        form.is_valid(raise_exception=True)
        account = suppliers.change_bank_account(supplier_id, account_id, **form.validated_data, actor=actor_of(request))
        return shown(shapes.BankAccountOutput, account, request)

    @extend_schema(request=shapes.BankAccountUpdate, responses=shapes.BankAccountOutput)
    def put(self, request: Request, supplier_id: int, account_id: int) -> Response:
        """Change the fields given, like PATCH."""
        return self.patch(request, supplier_id, account_id)


class BankAccountReveal(APIView):
    """The whole number of a bank account."""

    rights = {"POST": Right.VIEW_BANK_DETAILS}

    @extend_schema(request=None, responses=shapes.RevealedOutput)
    def post(self, request: Request, supplier_id: int, account_id: int) -> Response:
        """Show the number in full. Who asked goes into the audit log and into the security log."""
        limits.knock(request._request, "reveal")
        number = suppliers.reveal_account_number(supplier_id, account_id, actor=actor_of(request))
        return Response({"id": account_id, "account_number": number})


class LevelList(APIView):
    """The shelf."""

    rights = {"GET": Right.VIEW_STOCK}

    @extend_schema(parameters=[shapes.LevelFilters], responses=paged(shapes.LevelOutput))
    def get(self, request: Request) -> Response:
        """List the stock of active products, by SKU."""
        given = read(shapes.LevelFilters, request)
        rows = selectors.stock_levels(status=given.get("status_filter"), search=given.get("search", ""))
        pages = Pages() if given else Pages(count=selectors.stock_level_count)
        return page(rows, request, self, shapes.LevelOutput, pages)


class Stats(APIView):
    """The shelf in five figures."""

    rights = {"GET": Right.VIEW_STOCK}

    @extend_schema(responses=shapes.StatsOutput)
    def get(self, request: Request) -> Response:
        """Return value and counts over active products."""
        return Response(shown_rows(shapes.StatsOutput, [selectors.stats()], request)[0])


class LevelDetail(APIView):
    """The stock of one product."""

    rights = {"GET": Right.VIEW_STOCK}

    @extend_schema(responses=shapes.LevelOutput)
    def get(self, request: Request, product_id: int) -> Response:
        """Return the stock of a product; one that was never stocked gets its level, with 0 units."""
        level = selectors.stock_level(product_id) or ledger.first_level(product_id, actor=actor_of(request))
        return shown(shapes.LevelOutput, level, request)


class MovementList(APIView):
    """The ledger of one product."""

    rights = {"GET": Right.VIEW_STOCK}

    @extend_schema(responses=paged(shapes.MovementOutput, Cursor))
    def get(self, request: Request, product_id: int) -> Response:
        """List the movements of a product, newest first, by cursor."""
        return page(selectors.movements(product_id), request, self, shapes.MovementOutput, Cursor())


class ReceiveShipmentView(APIView):
    """Goods in."""

    rights = {"POST": Right.RECEIVE_STOCK}

    @extend_schema(request=ReceiveShipment, responses={201: shapes.ReceivedOutput})
    @idempotent
    def post(self, request: Request) -> Response:
        """Put the units of up to 5,000 lines on the shelf: all or none."""
        body = parse(ReceiveShipment, request)
        lines = [ledger.Line(item.product_id, item.quantity, body.shipment_reference) for item in body.items]
        booked = ledger.receive(lines, actor=actor_of(request))
        answer = {
            "shipment_reference": body.shipment_reference,
            "count": len(booked),
            "units": sum(movement.quantity for movement in booked),
            "movements": [_booked(movement) for movement in booked],
        }
        return Response(answer, status=status.HTTP_201_CREATED)


class AdjustView(APIView):
    """A stock count."""

    rights = {"POST": Right.COUNT_STOCK}

    @extend_schema(request=Adjust, responses=shapes.AdjustedOutput)
    @idempotent
    def post(self, request: Request) -> Response:
        """Set the stock of a product to what was counted."""
        body = parse(Adjust, request)
        movement = ledger.adjust(
            body.product_id, counted=body.quantity, reason=body.reason, now=timezone.now(), actor=actor_of(request)
        )
        answer = shown(shapes.LevelOutput, selectors.stock_level(body.product_id), request)
        answer.data["movement"] = _booked(movement) if movement else None
        return answer


def _product(product_id: int, request: Request, code: int = status.HTTP_200_OK) -> Response:
    return shown(shapes.ProductOutput, selectors.product(product_id), request, code)


def _supplier(supplier_id: int, request: Request, code: int = status.HTTP_200_OK) -> Response:
    return shown(shapes.SupplierDetail, selectors.supplier(supplier_id), request, code)


def _booked(movement: ledger.Movement) -> dict[str, Any]:
    return {
        "id": movement.id,
        "product_id": movement.product_id,
        "internal_sku": movement.sku,
        "quantity": movement.quantity,
        "balance_after": movement.balance_after,
    }
