"""Purchase orders on paper: what they say, what they never do, and who gets them."""

import json
import logging
import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import rights
from accounts.rights import Right, Role
from accounts.services import users
from inventory.models import Product, Supplier
from inventory.services import suppliers
from purchasing.documents import orders as documents
from purchasing.documents import typesetting
from purchasing.models import PurchaseOrder
from purchasing.services import orders
from purchasing.workflow import Stage
from tests import pdf
from tests.conftest import api, bearing
from tests.factories import TODAY, make_order, make_product, make_supplier, make_user

THAI, CHINESE, TRADITIONAL = "ชุดตัวต่อไม้กล่องใหญ่", "深圳市亮方块玩具有限公司", "臺灣積木股份有限公司"
ACCOUNT_NUMBER = "6222987654329876"
MARKUP = [
    '#panic("x")',
    '#read("/etc/passwd")',
    '#import "@preview/cetz:0.3.0"',
    '#image("/etc/passwd")',
    "$x^2$ *bold* _a_ `raw`",
    "@ref <label> //comment /*more*/",
    "= Heading",
    "a\\ #[b] \\u{41} ~ -- --- ... 'q' \"q\"",
    "]] )) }} #end",
    "<img src=\"http://127.0.0.1/\"><link href='file:///etc/passwd'>",
    "<b>a & b < c &lt; <font color=red>",
    "{{ 7*7 }} {% debug %} ${x} %s",
]


def changed(thing, **fields):
    """Put ``fields`` into the database past the operations, which clean texts."""
    type(thing).objects.filter(pk=thing.pk).update(**fields)


def printed(*found):
    """The PDF of ``found`` as the database has them."""
    return documents.purchase_orders([PurchaseOrder.objects.get(pk=order.pk) for order in found])


def lines_of(*found):
    """The pieces of text on the paper of ``found``; blanks are one, so that a broken line is the same text."""
    return [line.strip() for line in pdf.text_of(printed(*found)).splitlines() if line.strip()]


def text_of(*found):
    return re.sub(r"\s+", " ", pdf.text_of(printed(*found)))


def an_order(*, units=200, price="3.45", stage=Stage.SENT, **fields):
    """An order of one product."""
    product = make_product("LUMI-0001", price=price, supplier_sku="BB-2201", name="Train set", units_per_carton=24)
    supplier = make_supplier("Bright Blocks")
    order = make_order(orders.Line(product.pk, units), supplier=supplier, stage=stage)
    changed(order, **fields)
    return order


def office(user):
    client = Client()
    client.force_login(user)
    return client


def download(client, *chosen):
    """Ask for the action of the office."""
    body = {"action": "download", "_selected_action": [order.pk for order in chosen]}
    return client.post("/admin/purchasing/purchaseorder/", body, follow=True)


# What the paper says


def test_the_paper_tells_everything_to_the_cent(db, settings):
    settings.COMPANY_NAME, settings.COMPANY_ADDRESS = "Lumi Kits Co., Ltd.", "88/12 Sukhumvit Rd.\nBangkok"
    supplier = make_supplier(
        "Bright Blocks", legal_name="Bright Blocks Toys Ltd.", address="12 Haoye Rd.\nShenzhen", payment_terms="T/T"
    )
    train = make_product(
        "LUMI-0001", name="Train set", supplier_sku="BB-2201", supplier_id=supplier.pk, units_per_carton=24,
        carton_cbm=Decimal("0.0513"), carton_kg=Decimal("12.4"),
    )  # fmt: skip
    rings = make_product("LUMI-0002", name="Rings", price="1000.10", supplier_id=supplier.pk)
    order = orders.create(
        supplier_id=supplier.pk,
        lines=[orders.Line(train.pk, 1_200, Decimal("3.45")), orders.Line(rings.pk, 3)],
        order_date=date(2026, 6, 5),
        expected_ready_date=date(2026, 7, 30),
        supplier_pi="PI-77",
        shipping_usd=Decimal("120"),
        other_fees_usd=Decimal("35.51"),
        deposit_percent=Decimal("12.5"),
        notes="Two labels.\nNo wood.",
        today=TODAY,
        actor=make_user(),
    )
    orders.advance(order.pk, to=Stage.SENT, actor=make_user())

    assert lines_of(order) == [
        "Lumi Kits Co., Ltd.", "88/12 Sukhumvit Rd.", "Bangkok", "Purchase order PO-2026-001",
        "Supplier", "Bright Blocks", "Bright Blocks Toys Ltd.", "12 Haoye Rd.", "Shenzhen",
        "Order", "Date of order", "5 June 2026", "Goods ready by", "30 July 2026",
        "Your proforma invoice", "PI-77", "Currency", "USD",
        "No.", "SKU", "Your item no.", "Description", "Quantity", "pcs", "Cartons",
        "Unit price", "USD", "Amount", "USD",
        "1", "LUMI-0001", "BB-2201", "Train set", "1,200", "50", "3.45", "4,140.00",
        "2", "LUMI-0002", "Rings", "3", "3", "1,000.10", "3,000.30",
        "Packing", "Units", "1,203", "Cartons", "53",
        "Volume", "2.565 m³ (not known for 1 of 2 lines)", "Weight", "620.00 kg (not known for 1 of 2 lines)",
        "A carton that is not full counts as a whole one.",
        "Subtotal", "7,140.30", "Shipping", "120.00", "Other fees", "35.51", "Total USD", "7,295.81",
        "Payment", "Deposit, 12.5 %, with the order", "USD 911.98",
        "Balance, 87.5 %, before shipment", "USD 6,383.83", "Terms", "T/T",
        "Notes", "Two labels.", "No wood.",
        "For Lumi Kits Co., Ltd.", "Name, date, signature and stamp",
        "Confirmed by Bright Blocks", "Name, date, signature and stamp",
        "Lumi Kits Co., Ltd.", "Page 1 of 1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("units", "told", "taken"),
    [(200, "8 + 8 pcs", "9"), (48, "2", "2"), (23, "23 pcs", "1"), (24_024, "1,001", "1,001")],
)
def test_cartons_are_whole_ones_and_loose_pieces(db, units, told, taken):
    found = lines_of(an_order(units=units))

    assert found[found.index("Train set") + 1 :][:2] == [f"{units:,}", told]
    assert found[found.index("Units") + 1 :][:3] == [f"{units:,}", "Cartons", taken]


def test_a_started_carton_counts_as_a_whole_one(db):
    order = an_order(units=25)
    Product.objects.update(carton_cbm=Decimal("0.0513"), carton_kg=Decimal("12.4"))

    found = lines_of(order)

    assert found[found.index("Volume") + 1 :][:3] == ["0.103 m³", "Weight", "24.80 kg"]


def test_what_nobody_measured_is_left_out(db):
    assert not {"Volume", "Weight"} & set(lines_of(an_order()))


@pytest.mark.parametrize(
    ("percent", "told"),
    [
        ("30.00", ["Deposit, 30 %, with the order", "USD 30.00", "Balance, 70 %, before shipment", "USD 70.01"]),
        ("0.00", ["Balance, 100 %, before shipment", "USD 100.01"]),
        ("100.00", ["Deposit, 100 %, with the order", "USD 100.01"]),
    ],
)
def test_deposit_and_balance_add_up_and_what_is_nothing_is_left_out(db, percent, told):
    found = lines_of(an_order(units=1, price="100.01", deposit_percent=Decimal(percent)))

    assert found[found.index("Payment") + 1 : found.index("For Godown")] == told


@pytest.mark.parametrize(
    ("stage", "cancelled", "mark"),
    [
        (Stage.DRAFT, False, "DRAFT This is a draft and not an order yet."),
        (Stage.SENT, True, "CANCELLED This order is cancelled. Please do not make or ship anything for it."),
        (Stage.DRAFT, True, "CANCELLED This order is cancelled. Please do not make or ship anything for it."),
        (Stage.SENT, False, ""),
        (Stage.IN_PRODUCTION, False, ""),
    ],
)
def test_a_paper_that_nobody_may_act_on_says_so(db, stage, cancelled, mark):
    text = text_of(an_order(stage=stage, cancelled_at=timezone.now() if cancelled else None))

    assert re.findall("(?:DRAFT|CANCELLED)[^.]*\\.(?: Please[^.]*\\.)?", text) == ([mark] if mark else [])
    assert stage.label not in text.replace(mark, "")


def test_an_order_without_goods_is_a_paper_too(db):
    found = lines_of(make_order())

    assert "No goods yet." in found
    assert found[found.index("Total USD") + 1] == "0.00"


def test_each_order_has_pages_of_its_own_with_their_own_numbers_and_the_table_head(db):
    product = make_product(name="Ring")
    long = make_order(*[orders.Line(product.pk, 7)] * 90, stage=Stage.SENT)
    short = make_order(orders.Line(product.pk, 1))

    pages = [page.text for page in pdf.pages(printed(long, short))]

    assert [re.search(r"Page \d+ of \d+", page)[0] for page in pages] == [
        "Page 1 of 3", "Page 2 of 3", "Page 3 of 3", "Page 1 of 1",
    ]  # fmt: skip
    assert [page.count(f"Purchase order {long.po_number}") for page in pages] == [1, 1, 1, 0]
    assert [page.count(f"Purchase order {short.po_number}") for page in pages] == [0, 0, 0, 1]
    assert [page.count("Your item no.") for page in pages] == [1, 1, 1, 1]
    assert "".join(pages).count("\nRing") == 91


def test_nobody_signs_a_page_without_terms(db):
    product, supplier = make_product(), make_supplier()
    every = [make_order(*[orders.Line(product.pk, 7)] * count, supplier=supplier) for count in range(10, 45)]

    pages = [page.text for page in pdf.pages(printed(*every))]

    signed = [page for page in pages if "signature and stamp" in page]
    assert len(signed) == len(every)
    assert [page for page in signed if "Balance, 70 %, before shipment" not in page] == []
    assert len(pages) > len(every) + 10


def test_the_same_data_makes_the_same_bytes_and_names_its_day(db):
    order = an_order(updated_at=datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC))

    once, again = printed(order), printed(order)

    assert once == again
    assert b"/CreationDate(D:20260304050607Z)" in once
    assert f"/Title(Purchase order {order.po_number})".encode() in once
    assert b"pdfuaid:part" in once


# Names of everywhere


def test_thai_and_chinese_names_are_set_in_fonts_that_hold_them(db):
    order = an_order(notes=f"{THAI} กำี่ น้ำ")
    changed(order.supplier, name=CHINESE, legal_name=TRADITIONAL, address="广东省深圳市宝安区 12 号")
    Product.objects.update(name=f"{THAI} 磁力片 100 Café")

    page = pdf.pages(printed(order))[0]

    text = re.sub(r"\s", "", page.text)
    assert text.count(THAI) == 2
    assert [text.count(name) for name in (f"Confirmedby{CHINESE}", TRADITIONAL)] == [1, 1]
    assert "磁力片100Café" in text
    assert "กำี่น้ำ" in text
    assert {"NotoSans-Regular", "NotoSansThai-Regular", "NotoSansSC-Regular"} <= page.fonts
    assert not page.has_missing_glyph


def test_every_character_that_the_fonts_are_said_to_hold_is_printed(db, caplog):
    signs = sorted(typesetting._characters())

    pages = pdf.pages(printed(an_order(notes=" ".join(signs))))

    assert len(signs) > 10_000
    assert not any(page.has_missing_glyph for page in pages)
    assert caplog.records == []


@pytest.mark.abuse("FILE-14")
def test_a_character_that_no_font_holds_is_a_box_and_told_without_the_text(db, caplog):
    order = an_order(notes="secret 😀 and שלום\ufe0f")

    with caplog.at_level(logging.WARNING, logger="godown.documents"):
        text = text_of(order)

    assert "secret □ and □□□□" in re.sub("□ (?=□)", "□", text)
    assert [record.getMessage() for record in caplog.records] == [
        "purchase_order.typ: printed as a box, because no font holds them: U+05D5 U+05DC U+05DD U+05E9 U+1F600"
    ]


@pytest.mark.abuse("INP-09")
def test_marks_that_change_what_is_read_are_left_out(db):
    text = text_of(an_order(notes="a\u202egpj.exe\u2066b\x07c\x01d\ufeff e\u2028f"))

    assert "agpj.exeb c d e f" in text


# What it never does


@pytest.mark.abuse("FILE-13", "FILE-14", "INP-09")
@pytest.mark.parametrize("name", MARKUP)
def test_markup_is_text_wherever_it_stands(db, name):
    order = an_order(notes=name, supplier_pi=name)
    changed(order.supplier, name=name, legal_name=f"{name}!", address=name, payment_terms=name)
    Product.objects.update(name=name, supplier_sku=name)

    text = re.sub(r"\s", "", text_of(order))

    assert text.count(re.sub(r"\s", "", name)) == 8
    assert "root:" not in text


@pytest.mark.abuse("FILE-13", "FILE-14")
def test_a_company_of_markup_is_text_too(db, settings):
    settings.COMPANY_NAME = settings.COMPANY_ADDRESS = '#panic("x") *b*'

    assert text_of(an_order()).count('#panic("x") *b*') == 4


@pytest.mark.abuse("FILE-13")
@pytest.mark.parametrize(
    "source",
    [
        '#read("/etc/hostname")',
        '#read("secret.txt")',
        '#read("../secret.txt")',
        '#read("template.typ")',
        '#import "other.typ": *',
        '#import "@preview/cetz:0.3.0"',
        '#image("http://127.0.0.1:1/x.png")',
    ],
)
def test_even_a_template_reads_and_fetches_nothing(tmp_path, caplog, source):
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "other.typ").write_text("secret")
    template = tmp_path / "template.typ"
    template.write_text(f'#set document(title: "x")\n{source}')

    with pytest.raises(typesetting.DocumentFailed):
        typesetting.pdf(template, {}, made_at=timezone.now())

    assert "template.typ cannot be set (1)" in caplog.text
    template.write_text('#set document(title: "x")\nplain')
    assert pdf.text_of(typesetting.pdf(template, {}, made_at=timezone.now())).strip() == "plain"


@pytest.mark.abuse("FILE-14")
@pytest.mark.parametrize(
    "notes",
    [
        "word " * 2_000, "w" * 10_000, "😀" * 10_000, "ไม้" * 3_300, "磁" * 10_000, "\n" * 9_999 + "x", "#[" * 5_000,
        "שלום " * 2_000,
    ],
    ids=["words", "one word", "emoji", "thai", "chinese", "lines", "brackets", "right to left"],
)  # fmt: skip
def test_long_notes_are_printed_to_the_end(db, notes):
    pages = pdf.pages(printed(an_order(notes=f"{notes} END")))

    assert "END" in "".join(page.text for page in pages[-2:])
    assert "Page 1 of " in pages[0].text


@pytest.mark.abuse("FILE-14")
def test_names_as_long_as_they_may_be_leave_the_figures_readable(db):
    order = an_order(supplier_pi="P" * 64)
    changed(order.supplier, name="N" * 200, legal_name="L" * 200, payment_terms="T" * 200)
    Product.objects.update(name="W" * 200, supplier_sku="S" * 64)

    text = re.sub(r"\s", "", text_of(order))

    assert [text.count(sign * length) for sign, length in (("L", 200), ("W", 200), ("S", 64), ("P", 64))] == [
        1,
        1,
        1,
        1,
    ]
    assert "2008+8pcs3.45690.00" in text


@pytest.mark.abuse("FILE-14", "RATE-11")
def test_the_largest_order_is_printed(db):
    product = make_product(price="3.45", units_per_carton=24)
    order = make_order(*[orders.Line(product.pk, 200)] * 1_000, stage=Stage.SENT)

    found = lines_of(order)

    assert found.count("690.00") == 1_000
    assert found[found.index("Total USD") + 1] == "690,000.00"


@pytest.mark.abuse("DATA-01", "DATA-06")
def test_no_paper_tells_where_the_supplier_is_paid(db, admin):
    order = an_order()
    account = {"holder": "Marker Holder", "bank_name": "Marker Bank", "account_number": ACCOUNT_NUMBER}
    kept = suppliers.add_bank_account(order.supplier_id, **account, swift="MARKCNBS", actor=admin)

    paper = printed(order)

    assert not re.search(f"{ACCOUNT_NUMBER[:6]}|{kept.account_last4}|Marker|MARKCNBS|gAAAA", pdf.text_of(paper))


def test_the_press_knows_no_setting_of_ours(db, tmp_path, monkeypatch):
    press = tmp_path / "press.py"
    press.write_text("import json, os; print(json.dumps(dict(os.environ)))")
    monkeypatch.setenv("SECRET_KEY", "secret")
    monkeypatch.setattr(typesetting, "PRESS", press)

    known = json.loads(printed(an_order()))

    assert set(known) <= {"RAYON_NUM_THREADS", "MALLOC_ARENA_MAX", "LC_CTYPE", "__CF_USER_TEXT_ENCODING"}


# When it cannot be printed


def test_a_template_at_fault_is_503_and_its_reason_is_in_the_log(client_api, tmp_path, monkeypatch, caplog):
    order = an_order()
    broken = tmp_path / "broken.typ"
    broken.write_text("#panic(1 + 1)")
    monkeypatch.setattr(documents, "TEMPLATE", broken)

    response = client_api.get(f"/api/orders/{order.pk}/pdf")
    page = office(make_user()).get(f"/orders/{order.pk}/pdf")

    assert (response.status_code, response.json()["code"]) == (503, "document_failed")
    assert response["Retry-After"]
    assert page.status_code == 503
    assert "cannot be made right now" in page.content.decode()
    assert "broken.typ cannot be set (1): b'error: panicked with: 2" in caplog.text


def test_a_document_that_takes_too_long_is_given_up(db, monkeypatch, caplog):
    order = an_order()
    monkeypatch.setattr(typesetting, "SECONDS", 0.001)

    with pytest.raises(typesetting.DocumentFailed):
        printed(order)

    assert "cannot be set in 0.001 seconds" in caplog.text


def test_too_many_lines_for_one_pdf_are_refused(db, monkeypatch):
    order = an_order()
    monkeypatch.setattr(documents, "MAX_LINES", 1)
    assert printed(order)

    with pytest.raises(documents.TooMuchToPrint, match="At most 50 orders with 1 lines together"):
        printed(order, make_order(orders.Line(Product.objects.get().pk, 1)))


# Who gets it, and how


@pytest.mark.abuse("DATA-13")
def test_the_api_answers_a_download_that_nobody_keeps(client_api):
    order = an_order()

    response = client_api.get(f"/api/orders/{order.pk}/pdf")

    assert response.status_code == 200
    assert pdf.text_of(response.content) == pdf.text_of(printed(order))
    assert {name: response[name] for name in ("Content-Type", "Content-Disposition", "Cache-Control")} == {
        "Content-Type": "application/pdf",
        "Content-Disposition": f'attachment; filename="{order.po_number}.pdf"',
        "Cache-Control": "no-store",
    }
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("accepted", ["application/pdf", "*/*", "application/json", "x*; x*0*"])
def test_whatever_a_client_accepts_it_gets_the_paper_or_a_refusal_in_json(client_api, accepted):
    order = an_order()

    response = client_api.get(f"/api/orders/{order.pk}/pdf", HTTP_ACCEPT=accepted)
    missing = client_api.get("/api/orders/999999/pdf", HTTP_ACCEPT=accepted)

    assert response["Content-Type"] == "application/pdf"
    assert (missing.status_code, missing["Content-Type"]) == (404, "application/json")
    assert missing.json() == {"code": "order_not_found", "detail": "There is no purchase order 999999."}


@pytest.mark.abuse("AUTHZ-05", "DATA-06")
@pytest.mark.parametrize("role", [Role.ADMIN, Role.STAFF, Role.BUYER, Role.VIEWER])
def test_a_paper_with_prices_takes_the_right_to_see_cost(db, role):
    order, user = an_order(), make_user(role)

    answers = [api(user).get(f"/api/orders/{order.pk}/pdf"), office(user).get(f"/orders/{order.pk}/pdf")]

    expected = 200 if Right.VIEW_COST in rights.of(role) else 403
    assert [answer.status_code for answer in answers] == [expected, expected]
    assert [answer.content.startswith(b"%PDF") for answer in answers] == [expected == 200] * 2


@pytest.mark.abuse("AUTHZ-05")
def test_a_marketplace_job_gets_no_paper(db):
    order = an_order()

    response = bearing(users.create_service("s@x.net", actor=None)[1]).get(f"/api/orders/{order.pk}/pdf")

    assert response.status_code == 403


def test_the_page_downloads_the_same_paper(db):
    order = an_order()

    response = office(make_user(Role.BUYER)).get(f"/orders/{order.pk}/pdf")

    assert response.content == printed(order)
    assert response["Content-Disposition"] == f'attachment; filename="{order.po_number}.pdf"'
    assert response["Cache-Control"] == "no-store"


def test_the_page_knows_who_asks_and_what_there_is(db):
    order = an_order()

    nobody = Client().get(f"/orders/{order.pk}/pdf")
    nothing = office(make_user()).get("/orders/999999/pdf")
    posted = office(make_user()).post(f"/orders/{order.pk}/pdf")

    assert nobody["Location"] == f"/sign-in?next=/orders/{order.pk}/pdf"
    assert (nothing.status_code, posted.status_code) == (404, 405)
    assert "There is no purchase order 999999." in nothing.content.decode()


@pytest.mark.parametrize("rows", [3, 30])
def test_the_lines_of_all_orders_cost_one_query(db, rows):
    supplier = make_supplier()
    products = [make_product() for _ in range(rows)]
    made = [make_order(*(orders.Line(p.pk, 1) for p in products), supplier=supplier) for _ in range(3)]
    found = list(PurchaseOrder.objects.select_related("supplier").filter(pk__in=[order.pk for order in made]))

    with CaptureQueriesContext(connection) as queries:
        documents.purchase_orders(found)

    assert len(queries) == 1


@pytest.mark.abuse("RATE-11")
def test_papers_have_a_limit_of_their_own_over_all_doors(db, settings, monkeypatch):
    settings.RATE_LIMIT_PDF = "3/m"
    order, user = an_order(), make_user()
    client = office(user)
    pressed = []
    monkeypatch.setattr(typesetting, "_press", lambda name, job: pressed.append(name) or b"%PDF")

    first = [
        api(user).get(f"/api/orders/{order.pk}/pdf"),
        client.get(f"/orders/{order.pk}/pdf"),
        download(client, order),
    ]
    refused = [
        api(user).get(f"/api/orders/{order.pk}/pdf"),
        client.get(f"/orders/{order.pk}/pdf"),
        download(client, order),
    ]

    assert [answer.status_code for answer in first] == [200] * 3
    assert [answer.status_code for answer in refused] == [429] * 3
    assert all(0 < int(answer["Retry-After"]) <= 61 for answer in refused)
    assert len(pressed) == 3
    assert api(user).get(f"/api/orders/{order.pk}").status_code == 200


# The office


def test_the_office_downloads_chosen_orders_as_one_pdf(db):
    first, left_out = an_order(), make_order()
    second = make_order(stage=Stage.SENT)

    response = download(office(make_user(Role.STAFF)), second, first)

    assert response["Content-Disposition"] == 'attachment; filename="purchase-orders.pdf"'
    assert re.findall(r"^Purchase order (\S+)", pdf.text_of(response.content), re.MULTILINE) == [
        first.po_number, second.po_number,
    ]  # fmt: skip
    assert left_out.po_number not in pdf.text_of(response.content)


def test_one_order_chosen_in_the_office_has_its_own_name(db):
    order = an_order()

    assert f"{order.po_number}.pdf" in download(office(make_user()), order)["Content-Disposition"]


def test_more_orders_than_one_pdf_takes_are_answered_with_a_message(db, monkeypatch):
    supplier = make_supplier()
    chosen = [make_order(supplier=supplier) for _ in range(51)]
    monkeypatch.setattr(typesetting, "_press", lambda name, job: b"%PDF")
    client = office(make_user())

    refused, taken = download(client, *chosen), download(client, *chosen[:50])

    assert "At most 50 orders with 3,000 lines together can be one PDF. Choose fewer." in refused.content.decode()
    assert taken["Content-Type"] == "application/pdf"


def test_an_order_in_the_office_links_to_its_paper(db):
    order = an_order()

    page = office(make_user(Role.STAFF)).get(f"/admin/purchasing/purchaseorder/{order.pk}/change/").content.decode()

    assert f'<a href="/orders/{order.pk}/pdf">{order.po_number}.pdf</a>' in page


@pytest.mark.abuse("AUTHZ-05")
def test_the_office_offers_no_paper_to_those_who_may_not_see_cost(db, monkeypatch):
    order, client = an_order(), office(make_user(Role.STAFF))
    offered = client.get("/admin/purchasing/purchaseorder/").content.decode()
    assert "Download as PDF" in offered

    monkeypatch.setitem(rights.RIGHTS, Role.STAFF, rights.of(Role.STAFF) - {Right.VIEW_COST})

    shown = client.get("/admin/purchasing/purchaseorder/").content.decode()
    page = client.get(f"/admin/purchasing/purchaseorder/{order.pk}/change/").content.decode()
    answer = download(client, order)
    assert order.po_number in shown
    assert "Download as PDF" not in shown
    assert f"/orders/{order.pk}/pdf" not in page
    assert answer["Content-Type"].startswith("text/html")
    assert Supplier.objects.count() == 1
