"""What the e-mail about a product that runs out says, and where its buttons lead."""

import html
import re
from decimal import Decimal
from email import message_from_bytes, policy

import pytest
from django.conf import settings as configured
from django.core.exceptions import ImproperlyConfigured

from accounts.rights import Role
from config import addresses
from planning import emails
from planning.emails import LowStock
from tests.browser import signed_in
from tests.factories import make_product, make_supplier, make_user
from tests.test_settings import SAFE, in_production

AMBER, RED = "#d97706", "#b91c1c"


def alert(**fields):
    facts = {"product_id": 7, "sku": "LUMI-0001", "name": "Kit", "quantity": 3, "reorder_point": 10}
    return LowStock(**{**facts, "days_left": Decimal("4.5"), **fields})


def parts(**fields):
    """The mail as a mail program reads it: subject, text, HTML."""
    sent = emails.low_stock(alert(**fields), to=["mei@example.net"]).message().as_bytes()
    read = message_from_bytes(sent, policy=policy.default)
    text, page = (read.get_body((kind,)).get_content() for kind in ("plain", "html"))
    return read, text, page


def links(page):
    return dict(re.findall(r'<a href="([^"]+)"[^>]*>([^<]+)</a>', page))


@pytest.mark.parametrize("part", [1, 2])
def test_both_parts_tell_what_there_is_to_know(part):
    told = parts(sku="LUMI-0042", name="Wooden kit", quantity=3, reorder_point=17)[part]

    rows = [("SKU", "LUMI-0042"), ("Name", "Wooden kit"), ("Quantity on hand", "3"), ("Reorder point", "17")]
    for label, value in [*rows, ("Days until stock-out", "4.5")]:
        assert re.search(rf"{label}(:\s+|</th><td[^>]*>){value}\s*(\n|</td>)", told), label


@pytest.mark.parametrize(
    ("quantity", "days", "words"),
    [(3, None, "never at the present rate"), (0, Decimal("0.0"), "0, it has run out"), (0, None, "0, it has run out")],
)
def test_where_no_number_tells_the_days_words_do(quantity, days, words):
    for told in parts(quantity=quantity, days_left=days)[1:]:
        assert words in told
        assert "None" not in told


@pytest.mark.parametrize(
    ("quantity", "subject", "colour", "other"),
    [(3, "Low stock: LUMI-0001 Kit", AMBER, RED), (0, "Out of stock: LUMI-0001 Kit", RED, AMBER)],
)
def test_low_is_amber_and_out_is_red(quantity, subject, colour, other):
    read, _, page = parts(quantity=quantity)

    assert str(read["Subject"]) == subject
    assert colour in page
    assert other not in page


def test_no_program_answers_it():
    assert parts()[0]["Auto-Submitted"] == "auto-generated"


def test_the_links_start_with_the_address_of_the_settings(settings):
    settings.APP_BASE_URL = "https://godown.example.com"

    _, text, page = parts(sku="LUMI-0001", product_id=7)

    wanted = {
        "https://godown.example.com/orders/new?product=7": "Create purchase order",
        "https://godown.example.com/admin/inventory/stocklevel/?q=LUMI-0001": "View inventory",
    }
    assert links(page) == wanted
    assert re.findall(r"https?://\S+", text) == list(wanted)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.STAFF])
def test_the_buttons_lead_to_real_pages_that_show_the_product(db, role):
    product = make_product(
        name="Wooden kit", supplier_id=make_supplier("Shenzhen Toys", moq=50).pk, units_per_carton=24
    )
    make_product()
    browser = signed_in(make_user(role))
    _, _, page = parts(product_id=product.pk, sku=product.internal_sku)

    for address in links(page):
        assert address.startswith(configured.APP_BASE_URL)
        answer = browser.get(html.unescape(address).removeprefix(configured.APP_BASE_URL))
        assert answer.status_code == 200
        assert product.internal_sku in answer.content.decode()


def test_a_buyer_reaches_the_order_page_too(db):
    product = make_product()
    address = next(iter(links(parts(product_id=product.pk)[2])))

    answer = signed_in(make_user(Role.BUYER)).get(address.removeprefix(configured.APP_BASE_URL))

    assert answer.status_code == 200


@pytest.mark.abuse("INP-09")
@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r", "\x0b", "\x85", "\u2028", "&#10;"])
def test_a_line_feed_in_a_name_or_sku_begins_no_header(ending):
    injected = f"Kit{ending}Bcc: evil@example.net{ending}{ending}Body"

    read, text, page = parts(name=injected, sku=f"LUMI-1{ending}X: y")

    assert str(read["Subject"]) == "Low stock: LUMI-1 X: y Kit Bcc: evil@example.net Body"
    assert (read["Bcc"], read["X"], read.get_all("To")) == (None, None, ["mei@example.net"])
    assert "Name:                  Kit Bcc: evil@example.net Body\n" in text
    assert "Kit Bcc: evil@example.net Body</td>" in page


@pytest.mark.abuse("INP-09")
def test_markup_and_template_code_in_a_name_are_shown_as_text():
    _, text, page = parts(name="A & B {{ 7|add:7 }} 3 < 5")

    assert "A & B {{ 7|add:7 }} 3 < 5" in text
    assert "A &amp; B {{ 7|add:7 }} 3 &lt; 5" in page
    assert "<script" not in parts(name="<script>alert(1)</script>")[2]


def test_a_name_in_thai_arrives_as_it_is():
    read, text, page = parts(name="ชุดของเล่นไม้")

    assert str(read["Subject"]).strip() == "Low stock: LUMI-0001 ชุดของเล่นไม้"
    assert "ชุดของเล่นไม้" in text
    assert "ชุดของเล่นไม้" in page


def test_a_sku_is_quoted_in_the_address():
    assert "/admin/inventory/stocklevel/?q=A%26B+%231" in parts(sku="A&B #1")[1]


# Settings


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("", []),
        (" , ", []),
        ("mei@example.net", ["mei@example.net"]),
        ("a@x.net, b@x.net,a@x.net", ["a@x.net", "b@x.net"]),
    ],
)
def test_recipients_are_addresses_separated_by_commas(given, read):
    assert addresses.of_people("ALERT_RECIPIENTS", given) == read


@pytest.mark.parametrize("given", ["mei", "a@x.net;b@x.net", "a@x.net\nBcc: b@x.net", "Mei <mei@example.net>"])
def test_what_is_no_address_is_refused(given):
    with pytest.raises(ImproperlyConfigured, match="ALERT_RECIPIENTS must hold e-mail addresses"):
        addresses.of_people("ALERT_RECIPIENTS", given)


@pytest.mark.parametrize(
    ("given", "read"),
    [("https://g.example.com/", "https://g.example.com"), ("http://[::1]:8000", "http://[::1]:8000")],
)
def test_the_own_address_has_no_slash_at_its_end(given, read):
    assert addresses.of_godown(given) == read


@pytest.mark.parametrize(
    "given",
    ["godown.example.com", "ftp://g.example.com", "javascript:alert(1)", "https://g.example.com/path", "https://",
     "https://u:p@g.example.com", "https://g.example.com?x=1", "https://g.example.com:port",
     'https://g.example.com" onclick="x', "https://g\n.com"],
)  # fmt: skip
def test_an_own_address_that_links_cannot_start_with_is_refused(given):
    with pytest.raises(ImproperlyConfigured, match="APP_BASE_URL must be an address"):
        addresses.of_godown(given)


def test_godown_does_not_start_with_recipients_that_are_none():
    started = in_production("-c", "import config.settings.production", **SAFE, ALERT_RECIPIENTS="mei@example.net,lek")

    assert started.returncode == 1
    assert "ImproperlyConfigured: ALERT_RECIPIENTS must hold e-mail addresses, comma-separated; 'lek'" in started.stderr
