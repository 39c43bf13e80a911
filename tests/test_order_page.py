"""Making a draft of an order in the browser, with the product that an e-mail's button names."""

import re

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditLog
from accounts.rights import Role
from inventory.errors import MAX_ON_HAND
from purchasing.forms import least_quantity
from purchasing.models import PurchaseOrder
from tests.browser import signed_in
from tests.factories import make_product, make_supplier, make_user
from tests.test_pages import inline_in, text_of

NEW = "/orders/new"


@pytest.fixture
def supplier(db):
    return make_supplier("Shenzhen Toys", moq=50)


@pytest.fixture
def product(supplier):
    return make_product("LUMI-0042", name="Wooden kit", price="4.00", supplier_id=supplier.pk, units_per_carton=24)


@pytest.fixture
def buyer(db):
    return make_user(Role.BUYER)


@pytest.fixture
def browser(buyer):
    return signed_in(buyer)


def filled_in(answer):
    """What the fields of a page hold."""
    page = text_of(answer)
    inputs = dict(re.findall(r'<input type="(?:text|number)" name="(\w+)" value="([^"]*)"', page))
    chosen = re.findall(r'<option value="(\d*)" selected>', page)
    return {**inputs, "supplier": chosen[0] if chosen else ""}


def errors_in(answer):
    return re.findall(r'<ul class="errorlist"[^>]*><li>([^<]+)</li>', text_of(answer))


def test_the_form_comes_with_product_supplier_and_the_least_quantity_in_cartons(browser, product, supplier):
    answer = browser.get(f"{NEW}?product={product.pk}")

    assert answer.status_code == 200
    assert filled_in(answer) == {"sku": "LUMI-0042", "supplier": str(supplier.pk), "quantity": "72"}
    assert "LUMI-0042 · Wooden kit" in text_of(answer)
    assert "Units; 24 in a carton, Shenzhen Toys takes orders from 50." in text_of(answer)


@pytest.mark.parametrize(
    ("moq", "carton", "least"), [(1, 1, 1), (0, 12, 12), (12, 12, 12), (13, 12, 24), (50, 24, 72), (5, 1, 5)]
)
def test_the_least_quantity_is_the_minimum_in_whole_cartons(db, moq, carton, least):
    product = make_product(supplier_id=make_supplier(moq=moq).pk, units_per_carton=carton)

    assert least_quantity(product) == least


def test_what_is_sent_as_it_came_makes_a_draft(browser, buyer, product, supplier):
    address = f"{NEW}?product={product.pk}"

    answer = browser.post(address, filled_in(browser.get(address)))

    order = PurchaseOrder.objects.get()
    assert (order.supplier, order.status, order.total_usd) == (supplier, "DRAFT", 288)
    assert order.order_date == timezone.localdate()
    assert list(order.line_items.values_list("product", "quantity")) == [(product.pk, 72)]
    assert (answer.status_code, answer["Location"]) == (302, f"/orders/{order.pk}/made")
    row = AuditLog.objects.get(table_name="purchase_orders")
    assert (row.action, row.user_id) == ("CREATE", buyer.pk)


def test_who_may_not_use_the_office_is_told_on_a_page_of_its_own(browser, product, supplier):
    given = {"supplier": supplier.pk, "sku": "LUMI-0042", "quantity": 24}

    answer = browser.post(NEW, given, follow=True)

    page = text_of(answer)
    number = PurchaseOrder.objects.get().po_number
    assert answer.status_code == 200
    assert f"<h1>{number} is made</h1>" in page
    assert "24 × LUMI-0042 Wooden kit" in page
    assert browser.get(re.search(r'href="([^"]+/pdf)"', page).group(1)).status_code == 200


def test_the_office_is_led_to_the_order_itself(product, supplier):
    browser = signed_in(make_user(Role.STAFF))

    answer = browser.post(NEW, {"supplier": supplier.pk, "sku": "LUMI-0042", "quantity": 24}, follow=True)

    order = PurchaseOrder.objects.get()
    assert answer.redirect_chain == [(f"/admin/purchasing/purchaseorder/{order.pk}/change/", 302)]
    assert order.po_number in text_of(answer)


def test_a_sku_is_taken_in_any_case_and_spaces_around_it_do_not_count(browser, product, supplier):
    browser.post(NEW, {"supplier": supplier.pk, "sku": " lumi-0042 ", "quantity": 1})

    assert PurchaseOrder.objects.get().line_items.get().product == product


def test_without_a_product_the_form_is_empty(browser, supplier):
    answer = browser.get(NEW)

    assert answer.status_code == 200
    assert filled_in(answer) == {"supplier": ""}


def test_a_product_without_a_supplier_or_with_one_not_used_any_more_leaves_the_choice_open(browser):
    old = make_supplier(is_active=True, moq=30)
    products = [make_product(), make_product(supplier_id=old.pk)]
    type(old).objects.update(is_active=False)

    assert [filled_in(browser.get(f"{NEW}?product={kit.pk}"))["supplier"] for kit in products] == ["", ""]


def test_a_product_not_sold_any_more_is_said_to_be_and_is_not_ordered(browser, supplier):
    gone = make_product("LUMI-GONE", is_active=False)

    shown = browser.get(f"{NEW}?product={gone.pk}")
    answer = browser.post(NEW, {"supplier": supplier.pk, "sku": "LUMI-GONE", "quantity": 1})

    assert "not sold any more" in text_of(shown)
    assert (answer.status_code, errors_in(answer)) == (422, ["There is no active product with this SKU."])
    assert not PurchaseOrder.objects.exists()


@pytest.mark.parametrize("given", ["999999", "abc", "-1", "0", "1.5", "9" * 30, "1 OR 1=1", "%00"])
def test_a_product_that_is_none_is_a_404(browser, given):
    assert browser.get(f"{NEW}?product={given}").status_code == 404


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"supplier": ""}, "This field is required."),
        ({"supplier": "999999"}, "There is no such supplier, or it is not used any more."),
        ({"supplier": "x"}, "There is no such supplier, or it is not used any more."),
        ({"sku": ""}, "This field is required."),
        ({"sku": "LUMI-NONE"}, "There is no active product with this SKU."),
        ({"sku": "LUMI\x00-0042"}, "Null characters are not allowed."),
        ({"sku": "L" * 33}, "Ensure this value has at most 32 characters (it has 33)."),
        ({"quantity": ""}, "This field is required."),
        ({"quantity": "0"}, "Ensure this value is greater than or equal to 1."),
        ({"quantity": "-5"}, "Ensure this value is greater than or equal to 1."),
        ({"quantity": "1.5"}, "Enter a whole number."),
        ({"quantity": "many"}, "Enter a whole number."),
        ({"quantity": str(MAX_ON_HAND + 1)}, f"Ensure this value is less than or equal to {MAX_ON_HAND}."),
    ],
)
def test_what_cannot_be_ordered_is_refused_next_to_its_field(browser, product, supplier, wrong, message):
    answer = browser.post(NEW, {"supplier": supplier.pk, "sku": "LUMI-0042", "quantity": 24, **wrong})

    assert (answer.status_code, errors_in(answer)) == (422, [message])
    assert not PurchaseOrder.objects.exists()


def test_an_order_worth_more_than_can_be_stored_is_refused(browser, supplier):
    make_product("LUMI-GOLD", price="99999999.00")

    answer = browser.post(NEW, {"supplier": supplier.pk, "sku": "LUMI-GOLD", "quantity": MAX_ON_HAND})

    assert answer.status_code == 422
    assert "is the most one can be worth" in errors_in(answer)[0]
    assert not PurchaseOrder.objects.exists()


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("address", [NEW, "/orders/1/made"])
def test_who_may_not_order_does_not_get_in(product, supplier, method, address):
    given = {"supplier": supplier.pk, "sku": "LUMI-0042", "quantity": 24}
    viewer = signed_in(make_user(Role.VIEWER))

    assert getattr(viewer, method)(address, given).status_code in (403, 405)
    assert getattr(Client(), method)(address, given)["Location"].startswith("/sign-in?next=/orders/")
    assert not PurchaseOrder.objects.exists()


def test_an_order_that_is_not_there_was_not_made(browser):
    assert browser.get("/orders/999/made").status_code == 404


@pytest.mark.abuse("WEB-04")
def test_a_post_without_a_token_makes_nothing(browser, product, supplier):
    browser.handler.enforce_csrf_checks = True

    answer = browser.post(NEW, {"supplier": supplier.pk, "sku": "LUMI-0042", "quantity": 24})

    assert answer.status_code == 403
    assert not PurchaseOrder.objects.exists()


@pytest.mark.abuse("WEB-03", "INP-09")
def test_the_pages_have_no_inline_code_and_show_markup_as_text(browser, supplier):
    kit = make_product(name="<script>alert(1)</script>", supplier_id=supplier.pk)
    form = browser.get(f"{NEW}?product={kit.pk}&x=%22%3E%3Cscript%3E")
    refused = browser.post(NEW, {"sku": '"><script>'})
    made = browser.post(NEW, {"supplier": supplier.pk, "sku": kit.internal_sku, "quantity": 1}, follow=True)

    assert [inline_in(answer) for answer in (form, refused, made)] == [[], [], []]
    assert [text_of(answer).count("<script>alert") for answer in (form, refused, made)] == [0, 0, 0]


def test_every_field_has_its_label(browser, product):
    page = text_of(browser.get(f"{NEW}?product={product.pk}"))

    assert re.findall(r'<label for="(\w+)">([^<]+)</label>', page) == [
        ("id_supplier", "Supplier"),
        ("id_sku", "SKU"),
        ("id_quantity", "Quantity"),
    ]
