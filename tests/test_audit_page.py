"""The audit log in the browser: who sees what, filters, pages, and nothing that a filter could break."""

import html
import re
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import audit_page
from accounts.models import AuditLog, User
from accounts.rights import RIGHTS, Right, Role
from inventory.services import products
from tests.browser import signed_in
from tests.factories import TODAY, make_product, make_supplier, make_user

ROW = re.compile(r'<li class="log-line">.*?</li>', re.DOTALL)
NOON = datetime(2026, 6, 15, 5, 0, 0, tzinfo=UTC)  # 12:00 in Bangkok


@pytest.fixture
def staff(db):
    return make_user(Role.STAFF, email="mei@example.net")


@pytest.fixture
def browser(staff):
    return signed_in(staff)


def wrote(number=1, **fields):
    """Write ``number`` rows into the log and return their ids."""
    row = {"table_name": "suppliers", "record_id": 1, "action": "CREATE", "new_values": {"name": "Factory"}}
    return [AuditLog.objects.create(**{**row, **fields}).pk for _ in range(number)]


def rows_of(answer):
    """Return the rows of the page as lines of text."""
    assert answer.status_code == 200
    texts = [html.unescape(re.sub("<[^>]+>", " ", row)) for row in ROW.findall(answer.content.decode())]
    return [" ".join(text.split()) for text in texts]


def records_of(answer):
    """Return table and number of the records that the page tells of."""
    return re.findall(r"table=(\w+)&amp;record=(\d+)", answer.content.decode())


def errors_of(answer):
    assert answer.status_code == 422
    assert ROW.findall(answer.content.decode()) == []
    found = re.findall(r'id="id_(\w+)_error"[^>]*><li>(.*?)</li>', answer.content.decode())
    return {name: html.unescape(text) for name, text in found}


@pytest.mark.parametrize("role", Role)
def test_the_log_opens_for_those_with_the_right_to_see_it(db, role):
    if role == Role.SYNC:
        return  # a service account has no session (test_sign_in_page)
    expected = 200 if Right.VIEW_AUDIT in RIGHTS[role] else 403

    assert signed_in(make_user(role)).get("/audit").status_code == expected


def test_a_row_tells_when_who_what_and_from_where(browser, staff):
    wrote(
        action="UPDATE",
        old_values={"name": "Old & <b>Sons", "is_active": True, "notes": ""},
        new_values={"name": "New", "is_active": False, "notes": None},
        user=staff,
        ip_address="203.0.113.5",
        user_agent="Mozilla/5.0 <script>",
        created_at=NOON,
    )

    assert rows_of(browser.get("/audit")) == [
        "15 Jun 2026, 12:00:00 mei@example.net Changed Supplier #1 is active yes → no name Old & <b>Sons → New"
        " notes – → – 203.0.113.5 Mozilla/5.0 <script>"
    ]


def test_what_was_made_and_what_is_gone_show_their_values(browser):
    wrote(action="DELETE", old_values={"name": "Factory", "moq": 100}, new_values=None, created_at=NOON)
    wrote(action="CREATE", old_values=None, new_values={"id": 1, "tags": ["a", "ü"]}, created_at=NOON)

    assert rows_of(browser.get("/audit")) == [
        '15 Jun 2026, 12:00:00 Godown itself Created Supplier #1 tags ["a", "ü"] Job or command',
        "15 Jun 2026, 12:00:00 Godown itself Deleted Supplier #1 moq 100 name Factory Job or command",
    ]


def test_a_table_without_a_model_is_called_by_its_name(browser):
    wrote(table_name="gone", created_at=NOON)

    assert "Created gone #1" in rows_of(browser.get("/audit"))[0]


def test_a_row_of_a_user_who_is_not_there_is_shown_all_the_same(browser):
    wrote(user_id=4711)

    assert "4711" in rows_of(browser.get("/audit"))[0]


def test_what_a_change_on_the_pages_wrote_is_there(browser, staff):
    product = make_product("LUMI-0001")
    products.update(product.pk, name="Another name", today=TODAY, actor=staff)

    first = rows_of(browser.get("/audit"))[0]

    assert f"mei@example.net Changed Product #{product.pk} name Kit LUMI-0001 → Another name" in first


def test_accounts_are_shown_only_to_those_who_manage_users(browser):
    make_user(Role.VIEWER, email="other@example.net")
    admin = signed_in(make_user(Role.ADMIN))

    assert [table for table, _ in records_of(browser.get("/audit"))] == []
    assert "users" in {table for table, _ in records_of(admin.get("/audit"))}
    assert records_of(browser.get("/audit?table=users")) == []


def test_amounts_are_hidden_from_those_who_may_not_see_cost(db):
    (number,) = wrote(action="UPDATE", old_values={"price_usd": "1.00", "name": "a"}, new_values={"price_usd": "2.00"})
    viewer = make_user(Role.VIEWER)

    (line,) = audit_page.lines([AuditLog.objects.get(pk=number)], reader=viewer, tables={})

    assert line.changes == [audit_page.Change("name", "a", None)]


def filled():
    """Write rows that differ in one thing each, and return them by what differs."""
    mei = User.objects.get(email="mei@example.net")
    return {
        "plain": wrote(created_at=NOON)[0],
        "table": wrote(table_name="products", created_at=NOON)[0],
        "record": wrote(record_id=2, created_at=NOON)[0],
        "action": wrote(action="DELETE", created_at=NOON)[0],
        "user": wrote(user=mei, created_at=NOON)[0],
        "late": wrote(created_at=datetime(2026, 6, 15, 16, 59, 59, 999_999, tzinfo=UTC))[0],
        "next day": wrote(created_at=datetime(2026, 6, 15, 17, 0, tzinfo=UTC))[0],
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("table=products", {"table"}),
        ("record=2", {"record"}),
        ("action=DELETE", {"action"}),
        ("user={mei}", {"user"}),
        ("from=2026-06-16", {"next day"}),
        ("to=2026-06-15", {"plain", "table", "record", "action", "user", "late"}),
        ("from=2026-06-15&to=2026-06-15&table=products", {"table"}),
        ("table=&record=&action=&user=&from=&to=&before=&after=", None),
        ("table=products&record=2", set()),
        ("unknown=1", None),
    ],
)
def test_filters_show_what_fits_all_of_them(browser, staff, query, expected):
    rows = filled()

    answer = browser.get(f"/audit?{query.format(mei=staff.pk)}")

    shown = [line.row.pk for line in answer.context["lines"]]
    assert shown == sorted([rows[name] for name in (rows if expected is None else expected)], reverse=True)


def test_nothing_found_is_said_in_words(browser):
    page = browser.get("/audit?record=99").content.decode()

    assert "No changes here." in page


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ("table=nothing", {"table": "There is no such table."}),
        ("table=%00", {"table": "There is no such table."}),
        ("record=x", {"record": "Enter a whole number."}),
        ("record=%00", {"record": "Enter a whole number."}),
        ("record=1.5", {"record": "Enter a whole number."}),
        ("record=0", {"record": "Ensure this value is greater than or equal to 1."}),
        (f"record={2**63}", {"record": f"Ensure this value is less than or equal to {2**63 - 1}."}),
        (f"record={'9' * 3_000}", {"record": f"Ensure this value is less than or equal to {2**63 - 1}."}),
        (f"record={'9' * 5_000}", {"record": "Enter a whole number."}),
        ("action=DROP", {"action": "Select a valid choice. DROP is not one of the available choices."}),
        ("user=99999", {"user": "There is no such user."}),
        ("user=%00", {"user": "Null characters are not allowed."}),
        (f"user={'9' * 30}", {"user": "There is no such user."}),
        ("user=' OR 1=1", {"user": "There is no such user."}),
        ("from=2026-02-30", {"from": "Enter a valid date."}),
        ("from=15/06/2026", {"from": "Enter a valid date."}),
        ("from=%00", {"from": "Enter a valid date."}),
        ("from=0001-01-01", {"from": "Ensure this value is greater than or equal to 1900-01-01."}),
        ("to=9999-12-31", {"to": "Ensure this value is less than or equal to 2999-12-31."}),
        ("from=2026-06-16&to=2026-06-15", {"to": "This day is before the first one."}),
        ("record=x&user=y", {"record": "Enter a whole number.", "user": "There is no such user."}),
    ],
)
def test_a_filter_that_makes_no_sense_is_told_next_to_its_field_and_shows_nothing(admin, query, errors):
    wrote()

    assert errors_of(signed_in(admin).get(f"/audit?{query}")) == errors


@pytest.mark.parametrize("query", ["user=x", "user=%00", f"user={'9' * 30}", "user=0", "table=users"])
def test_those_who_do_not_manage_users_get_no_other_answer_for_them(browser, query):
    wrote()

    assert browser.get(f"/audit?{query}").status_code == 422


def test_the_list_of_users_is_offered_only_to_those_who_manage_them(browser, admin):
    others = make_user(email="somebody@example.net")

    offered = [others.email in client.get("/audit").content.decode() for client in (browser, signed_in(admin))]

    assert offered == [False, True]


def test_tables_that_one_may_not_read_of_are_not_offered(browser, admin):
    pages = [client.get("/audit").content.decode() for client in (browser, signed_in(admin))]

    assert ['value="totp_devices"' in page for page in pages] == [False, True]
    assert ['value="suppliers"' in page for page in pages] == [True, True]


@pytest.mark.parametrize("query", ["before=x", "after=0", f"before={2**63}", "after=%00", "before=-1"])
def test_a_page_that_is_none_is_refused(browser, query):
    wrote()

    answer = browser.get(f"/audit?{query}")

    assert answer.status_code == 422
    assert "There is no such page." in answer.content.decode()
    assert ROW.findall(answer.content.decode()) == []


@pytest.mark.parametrize("day", ["1900-01-01", "2999-12-31"])
def test_the_first_and_the_last_day_are_days(browser, day):
    assert browser.get(f"/audit?from={day}&to={day}").status_code == 200


def follow(browser, answer, word):
    """Follow the link to older or newer rows; None when there is none."""
    found = re.search(rf'href="([^"]+)">[^<]*{word}', answer.content.decode())
    return browser.get(f"/audit{html.unescape(found.group(1))}") if found else None


def test_pages_of_fifty_lead_to_the_end_and_back_and_keep_the_filters(browser):
    ids = wrote(120)
    wrote(table_name="products")

    seen, answer = [], browser.get("/audit?table=suppliers")
    while answer is not None:
        seen.append([line.row.pk for line in answer.context["lines"]])
        last, answer = answer, follow(browser, answer, "Older")
    back = follow(browser, last, "Newer")
    first = follow(browser, back, "Newer")

    newest_first = ids[::-1]
    assert seen == [newest_first[:50], newest_first[50:100], newest_first[100:]]
    assert [line.row.pk for line in back.context["lines"]] == newest_first[50:100]
    assert [line.row.pk for line in first.context["lines"]] == newest_first[:50]
    assert follow(browser, first, "Newer") is None


def test_exactly_fifty_rows_are_one_page(browser):
    wrote(50)

    answer = browser.get("/audit")

    assert len(answer.context["lines"]) == 50
    assert follow(browser, answer, "Older") is None
    assert follow(browser, answer, "Newer") is None


def test_rows_written_meanwhile_neither_repeat_nor_hide_a_row(browser):
    ids = wrote(60)
    first = browser.get("/audit")
    wrote(7)

    second = follow(browser, first, "Older")

    assert [line.row.pk for line in second.context["lines"]] == ids[:10][::-1]


def test_a_row_links_to_everything_about_its_record_and_by_its_user(browser, staff):
    wrote(record_id=7, user=staff)

    page = browser.get("/audit").content.decode()

    assert 'href="/audit?table=suppliers&amp;record=7"' in page
    assert f'href="/audit?user={staff.pk}"' in page


@pytest.mark.parametrize("rows", [3, 30])
def test_the_number_of_queries_does_not_grow_with_the_rows(browser, rows):
    for number in range(rows):
        wrote(user=make_user(Role.STAFF), record_id=number + 1)
    make_supplier()

    with CaptureQueriesContext(connection) as queries:
        browser.get("/audit")

    assert len(queries) == 3
