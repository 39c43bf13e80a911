"""Suppliers, the people there, and where they are paid."""

import json
import logging

import pytest
from cryptography.fernet import Fernet
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditLog
from accounts.rights import Role
from core import security_log
from core.encryption import Undecryptable
from inventory.models import Supplier, SupplierBankAccount, SupplierContact
from inventory.services import suppliers
from tests.conftest import api
from tests.factories import make_order, make_product, make_supplier, make_user

URL = "/api/suppliers"
CONTACT = {"name": "Lin Mei", "role": "Sales", "platform": "WECHAT", "contact_value": "lin-88"}
ACCOUNT = {
    "holder": "Bright Blocks Co.",
    "bank_name": "Bank of Guangdong",
    "swift": "EXAMCNBS",
    "account_number": "6222000000001234",
}


def listed(client, query=""):
    response = client.get(f"{URL}{query}")
    assert response.status_code == 200
    return [row["name"] for row in response.json()["results"]]


def add_account(supplier, admin, number="6222000000001234"):
    return suppliers.add_bank_account(supplier.pk, **{**ACCOUNT, "account_number": number}, actor=admin)


def reveal_url(account):
    return f"{URL}/{account.supplier_id}/bank-accounts/{account.pk}/reveal"


def audited(*accounts):
    """What the log tells of changes to bank accounts."""
    rows = AuditLog.objects.filter(table_name="supplier_bank_accounts", action="UPDATE").order_by("id")
    of_these = rows.filter(record_id__in=[account.pk for account in accounts]) if accounts else rows
    return list(of_these.values_list("old_values", "new_values"))


@pytest.fixture
def reveals():
    """The lines of the security log about numbers that were shown."""
    lines = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    handler.addFilter(lambda record: "account_number" in record.getMessage())
    security_log.log.addHandler(handler)
    yield lines
    security_log.log.removeHandler(handler)


def assert_invalid(response, field):
    assert response.status_code == 400
    assert response.json()["code"] == "invalid"
    assert list(response.json()["errors"]) == [field]


def test_a_new_supplier_has_45_days_lead_time_and_no_contacts(client_api):
    response = client_api.post(URL, {"name": "Bright Blocks"}, format="json")

    assert response.status_code == 201
    answer = response.json()
    assert (answer["name"], answer["lead_time_days"], answer["moq"]) == ("Bright Blocks", 45, 1)
    assert answer["is_active"] is True
    assert answer["contacts"] == []


def test_a_supplier_is_created_with_its_contacts(client_api):
    body = {"name": "Bright Blocks", "contacts": [CONTACT, {"name": "Chen Wei", "contact_value": "+86 1"}]}

    response = client_api.post(URL, body, format="json")

    supplier = Supplier.objects.get()
    lin, chen = SupplierContact.objects.order_by("id")
    assert response.json()["contacts"] == [
        {"id": lin.pk, "supplier_id": supplier.pk, **CONTACT},
        {
            "id": chen.pk,
            "supplier_id": supplier.pk,
            "name": "Chen Wei",
            "role": "",
            "platform": "OTHER",
            "contact_value": "+86 1",
        },
    ]


@pytest.mark.parametrize("broken", [{"platform": "FAX"}, {"name": ""}, {"contact_value": None}])
def test_one_contact_that_makes_no_sense_refuses_the_whole_supplier(client_api, broken):
    body = {"name": "Bright Blocks", "contacts": [CONTACT, {**CONTACT, **broken}]}

    assert_invalid(client_api.post(URL, body, format="json"), "contacts")

    assert not Supplier.objects.exists()
    assert not SupplierContact.objects.exists()


@pytest.mark.abuse("INP-09")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "<i></i>"),
        ("lead_time_days", 0),
        ("lead_time_days", -1),
        ("lead_time_days", 1.5),
        ("moq", -1),
        ("website", "javascript:alert(1)"),
        ("website", "not a link"),
    ],
)
def test_a_field_that_makes_no_sense_is_named_and_nothing_is_written(client_api, field, value):
    assert_invalid(client_api.post(URL, {"name": "Bright Blocks", field: value}, format="json"), field)

    assert not Supplier.objects.exists()


@pytest.mark.abuse("INP-09")
def test_text_is_cleaned_on_its_way_in(client_api):
    body = {
        "name": "Toys & <b>Kits</b>",
        "notes": "<script>x</script>ok",
        "contacts": [{**CONTACT, "role": "<i>A</i>"}],
    }

    answer = client_api.post(URL, body, format="json").json()

    assert (answer["name"], answer["notes"], answer["contacts"][0]["role"]) == ("Toys & Kits", "xok", "A")


@pytest.mark.abuse("INP-10")
@pytest.mark.parametrize(
    "name", ["Tom & Jerry", "a < b > c", "O'Brien", '5" frame', "R&D; &co", "100 % cotton", "Füße 玩具"]
)
def test_a_name_stays_as_it_was_typed_however_often_it_is_saved_and_is_found(client_api, name):
    supplier = client_api.post(URL, {"name": name}, format="json").json()

    for _ in range(3):
        supplier = client_api.put(f"{URL}/{supplier['id']}", supplier, format="json").json()

    assert supplier["name"] == Supplier.objects.get().name == name
    assert [row["name"] for row in client_api.get(URL, {"search": name}).json()["results"]] == [name]


@pytest.mark.parametrize("verb", ["put", "patch"])
def test_put_and_patch_change_only_the_fields_they_are_given(client_api, verb):
    supplier = make_supplier("Old", lead_time_days=60, payment_terms="30/70", contacts=[CONTACT])

    response = getattr(client_api, verb)(f"{URL}/{supplier.pk}", {"name": "New"}, format="json")

    answer = response.json()
    assert (answer["name"], answer["lead_time_days"], answer["payment_terms"]) == ("New", 60, "30/70")
    assert len(answer["contacts"]) == 1


def test_a_change_that_changes_nothing_writes_nothing(client_api):
    supplier = make_supplier("Factory", lead_time_days=60)
    recorded = AuditLog.objects.count()

    client_api.put(f"{URL}/{supplier.pk}", {"name": "Factory", "lead_time_days": 60}, format="json")

    assert AuditLog.objects.count() == recorded
    assert Supplier.objects.get().updated_at == supplier.updated_at


@pytest.mark.abuse("INP-12")
def test_deleting_deactivates_and_the_history_stays_whole(client_api):
    supplier = make_supplier("Factory", contacts=[CONTACT])
    product = make_product(supplier_id=supplier.pk)
    order = make_order(supplier=supplier)

    response = client_api.delete(f"{URL}/{supplier.pk}")

    assert response.status_code == 200
    assert response.json()["is_active"] is False
    assert len(client_api.get(f"{URL}/{supplier.pk}").json()["contacts"]) == 1
    assert client_api.get(f"/api/products/{product.pk}").json()["supplier"]["name"] == "Factory"
    assert client_api.get(f"/api/orders/{order.pk}").json()["supplier"]["name"] == "Factory"
    assert AuditLog.objects.filter(table_name="suppliers", action="DELETE").count() == 1


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Acorn", "Birch", "Cedar"]),
        ("?active=true", ["Acorn", "Cedar"]),
        ("?active=false", ["Birch"]),
        ("?search=CED", ["Cedar"]),
        ("?search=trading", ["Acorn"]),
        ("?active=false&search=cedar", []),
    ],
)
def test_the_list_is_sorted_by_name_and_can_be_filtered(client_api, query, found):
    make_supplier("Cedar")
    make_supplier("Birch", is_active=False)
    make_supplier("Acorn", legal_name="Oak Trading Ltd.")

    assert listed(client_api, query) == found


def test_a_contact_is_added_listed_changed_and_removed(client_api):
    supplier = make_supplier()
    contacts = f"{URL}/{supplier.pk}/contacts"

    added = client_api.post(contacts, CONTACT, format="json")
    contact = added.json()
    assert (added.status_code, contact["contact_value"]) == (201, "lin-88")
    assert client_api.get(contacts).json()["results"] == [contact]

    changed = client_api.patch(f"{contacts}/{contact['id']}", {"contact_value": "lin-99"}, format="json")
    assert changed.json() == {**contact, "contact_value": "lin-99"}

    removed = client_api.delete(f"{contacts}/{contact['id']}")
    assert (removed.status_code, removed.content) == (204, b"")
    assert client_api.get(contacts).json()["results"] == []


@pytest.mark.abuse("AUTHZ-02")
@pytest.mark.parametrize("verb", ["put", "patch", "delete"])
def test_a_contact_is_only_reached_through_its_own_supplier(client_api, verb):
    contact = make_supplier(contacts=[CONTACT]).contacts.get()
    other = make_supplier()

    response = getattr(client_api, verb)(f"{URL}/{other.pk}/contacts/{contact.pk}", {"name": "X"}, format="json")

    assert response.status_code == 404
    assert response.json()["code"] == "contact_not_found"
    assert SupplierContact.objects.get().name == "Lin Mei"


def test_contacts_of_one_supplier_are_not_shown_with_another(client_api):
    make_supplier(contacts=[CONTACT])
    other = make_supplier()

    assert client_api.get(f"{URL}/{other.pk}/contacts").json()["count"] == 0


@pytest.mark.abuse("DATA-06")
def test_of_an_account_number_only_the_last_four_are_ever_answered(client_api):
    accounts = f"{URL}/{make_supplier().pk}/bank-accounts"

    added = client_api.post(accounts, ACCOUNT, format="json")
    shown = client_api.get(accounts)

    assert added.status_code == 201
    assert added.json()["account_number"] == "•••• 1234"
    assert (added.json()["swift"], added.json()["currency"]) == ("EXAMCNBS", "USD")
    assert shown.json()["results"] == [added.json()]
    assert b"6222" not in added.content + shown.content


@pytest.mark.abuse("DATA-01")
def test_an_account_number_is_stored_encrypted_and_read_back_whole(admin):
    account = add_account(make_supplier(), admin)

    account.refresh_from_db()
    assert "6222" not in account.account_number
    assert "1234" not in account.account_number
    assert account.reveal_account_number() == "6222000000001234"


@pytest.mark.abuse("DATA-03")
def test_an_account_number_copied_to_another_row_cannot_be_read(admin):
    supplier = make_supplier()
    ours, theirs = add_account(supplier, admin), add_account(supplier, admin, "6222000000009999")

    SupplierBankAccount.objects.filter(pk=ours.pk).update(account_number=theirs.account_number)

    ours.refresh_from_db()
    with pytest.raises(Undecryptable):
        ours.reveal_account_number()
    assert theirs.reveal_account_number() == "6222000000009999"


@pytest.mark.abuse("DATA-01", "DATA-02")
def test_an_account_number_is_in_no_audit_row(client_api):
    client_api.post(f"{URL}/{make_supplier().pk}/bank-accounts", ACCOUNT, format="json")

    rows = AuditLog.objects.filter(table_name="supplier_bank_accounts")
    token = SupplierBankAccount.objects.get().account_number
    told = " ".join(str((row.old_values, row.new_values)) for row in rows)
    assert rows.count() == 1
    assert "Bank of Guangdong" in told
    assert "6222" not in told
    assert token not in told


@pytest.mark.parametrize(
    ("field", "value"),
    [("account_number", "123"), ("account_number", "12;34"), ("swift", "EXAM"), ("currency", "usd"), ("holder", "")],
)
def test_a_bank_account_that_makes_no_sense_is_refused_and_not_written(client_api, field, value):
    response = client_api.post(f"{URL}/{make_supplier().pk}/bank-accounts", {**ACCOUNT, field: value}, format="json")

    assert_invalid(response, field)
    assert not SupplierBankAccount.objects.exists()


@pytest.mark.abuse("DATA-06")
@pytest.mark.parametrize("role", [Role.BUYER, Role.SYNC, Role.VIEWER])
def test_bank_accounts_need_their_own_right(as_role, admin, role):
    supplier = make_supplier()
    add_account(supplier, admin)
    accounts = f"{URL}/{supplier.pk}/bank-accounts"
    client = as_role(role)

    shown = client.get(accounts)
    added = client.post(accounts, ACCOUNT, format="json")

    assert (shown.status_code, added.status_code) == (403, 403)
    assert b"1234" not in shown.content
    assert SupplierBankAccount.objects.count() == 1


def test_staff_may_read_and_add_bank_accounts(as_role):
    accounts = f"{URL}/{make_supplier().pk}/bank-accounts"
    client = as_role(Role.STAFF)

    assert client.post(accounts, ACCOUNT, format="json").status_code == 201
    assert client.get(accounts).json()["count"] == 1


@pytest.mark.abuse("DATA-06")
@pytest.mark.parametrize("role", [Role.ADMIN, Role.STAFF])
def test_the_office_is_shown_the_whole_number_on_request_and_that_is_recorded(admin, reveals, role):
    account = add_account(make_supplier(), admin)
    reader = make_user(role)

    response = api(reader).post(reveal_url(account), HTTP_USER_AGENT="office/1")

    assert response.status_code == 200
    assert response.json() == {"id": account.pk, "account_number": "6222000000001234"}
    assert response["Cache-Control"] == "no-store"
    row = AuditLog.objects.get(table_name="supplier_bank_accounts", action="UPDATE")
    assert (row.record_id, row.user, row.user_agent) == (account.pk, reader, "office/1")
    assert (row.old_values, row.new_values) == (None, {"account_number": "(shown in full)"})
    (line,) = reveals
    told = json.loads(line)
    assert (told["event"], told["user_id"]) == ("account_number_revealed", reader.pk)
    assert (told["account"], told["supplier"]) == (account.pk, account.supplier_id)
    assert "6222" not in line
    assert "1234" not in line


@pytest.mark.abuse("DATA-06")
@pytest.mark.parametrize("role", [Role.BUYER, Role.SYNC, Role.VIEWER])
def test_nobody_else_is_shown_a_number_and_asking_leaves_it_as_it_was(as_role, admin, role):
    account = add_account(make_supplier(), admin)

    response = as_role(role).post(reveal_url(account))

    assert response.status_code == 403
    assert b"6222" not in response.content
    assert audited() == []


@pytest.mark.abuse("AUTHZ-02", "DATA-06")
def test_a_number_is_only_reached_through_its_own_supplier(client_api, admin, reveals):
    account = add_account(make_supplier(), admin)
    other = make_supplier()
    of_other = f"{URL}/{other.pk}/bank-accounts"

    answers = [client_api.post(f"{of_other}/{key}/reveal") for key in (account.pk, 999_999)]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert [answer.json() for answer in answers] == [
        {"code": "bank_account_not_found", "detail": f"This supplier has no bank account {key}."}
        for key in (account.pk, 999_999)
    ]
    assert audited() == []
    assert reveals == []


@pytest.mark.abuse("DATA-03")
def test_a_number_copied_to_another_row_is_shown_to_nobody(client_api, admin, reveals):
    supplier = make_supplier()
    ours, theirs = add_account(supplier, admin), add_account(supplier, admin, "6222000000009999")
    before = audited()
    SupplierBankAccount.objects.filter(pk=ours.pk).update(account_number=theirs.account_number)

    response = client_api.post(reveal_url(ours))

    assert response.status_code == 503
    assert response.json()["code"] == "undecryptable"
    assert b"9999" not in response.content
    assert audited() == before
    assert reveals == []


@pytest.mark.abuse("DATA-06")
def test_whole_numbers_are_shown_five_times_a_minute_and_to_nobody_more(client_api, admin, settings):
    settings.RATE_LIMIT_AUTH = "5/m"
    account = add_account(make_supplier(), admin)

    codes = [client_api.post(reveal_url(account)).status_code for _ in range(7)]

    assert codes == [200] * 5 + [429] * 2
    assert len(audited()) == 5


def test_reading_a_number_with_get_is_no_way_around(client_api, admin):
    account = add_account(make_supplier(), admin)

    assert client_api.get(reveal_url(account)).status_code == 405


OLD_KEY, NEW_KEY = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.fixture
def written_with_the_old_key(admin, settings):
    """Three accounts under the old key, with the new key in place."""
    settings.DB_ENCRYPTION_KEYS = [OLD_KEY]
    supplier = make_supplier()
    accounts = [add_account(supplier, admin, f"622200000000100{number}") for number in range(3)]
    settings.DB_ENCRYPTION_KEYS = [NEW_KEY, OLD_KEY]
    return accounts


@pytest.mark.abuse("DATA-04")
def test_after_the_numbers_are_encrypted_anew_the_old_key_can_go(written_with_the_old_key, settings, admin):
    newest = add_account(make_supplier(), admin, "6222000000002000")

    changed = suppliers.encrypt_with_newest_key()

    settings.DB_ENCRYPTION_KEYS = [NEW_KEY]
    read = [account.reveal_account_number() for account in SupplierBankAccount.objects.order_by("pk")]
    assert changed == 3
    assert read == ["6222000000001000", "6222000000001001", "6222000000001002", "6222000000002000"]
    assert SupplierBankAccount.objects.get(pk=newest.pk).account_number == newest.account_number


def test_numbers_encrypted_anew_are_recorded_without_the_number(written_with_the_old_key):
    suppliers.encrypt_with_newest_key()

    assert (
        audited(*written_with_the_old_key)
        == [
            (
                {"account_number": "(encrypted with an older key)"},
                {"account_number": "(encrypted with the newest key)"},
            )
        ]
        * 3
    )


@pytest.mark.abuse("DATA-04")
def test_encrypting_anew_a_second_time_changes_nothing(written_with_the_old_key):
    suppliers.encrypt_with_newest_key()
    rows, recorded = list(SupplierBankAccount.objects.values()), AuditLog.objects.count()

    assert suppliers.encrypt_with_newest_key() == 0

    assert list(SupplierBankAccount.objects.values()) == rows
    assert AuditLog.objects.count() == recorded


@pytest.mark.abuse("DATA-04")
def test_one_number_whose_key_is_gone_stops_the_encryption_of_all(written_with_the_old_key, settings):
    first, *_, last = written_with_the_old_key
    foreign = Fernet(Fernet.generate_key()).encrypt(b"[]").decode()
    SupplierBankAccount.objects.filter(pk=last.pk).update(account_number=foreign)

    with pytest.raises(Undecryptable):
        suppliers.encrypt_with_newest_key()

    assert SupplierBankAccount.objects.get(pk=first.pk).account_number == first.account_number
    assert audited() == []


def test_encrypting_many_numbers_anew_takes_as_many_statements_as_one(written_with_the_old_key, admin, settings):
    def statements():
        settings.DB_ENCRYPTION_KEYS.reverse()
        with CaptureQueriesContext(connection) as queries:
            assert suppliers.encrypt_with_newest_key() == SupplierBankAccount.objects.count()
        return len(queries)

    suppliers.encrypt_with_newest_key()
    few = statements()
    for number in range(40):
        add_account(written_with_the_old_key[0].supplier, admin, f"62220000000020{number:02}")

    assert statements() == few


def test_who_may_not_change_the_catalogue_is_refused_and_nothing_changes(as_role):
    supplier = make_supplier("Factory", contacts=[CONTACT])
    contact = supplier.contacts.get()
    client = as_role(Role.VIEWER)

    codes = [
        client.post(URL, {"name": "New"}, format="json").status_code,
        client.patch(f"{URL}/{supplier.pk}", {"name": "New"}, format="json").status_code,
        client.delete(f"{URL}/{supplier.pk}").status_code,
        client.post(f"{URL}/{supplier.pk}/contacts", CONTACT, format="json").status_code,
        client.delete(f"{URL}/{supplier.pk}/contacts/{contact.pk}").status_code,
    ]

    assert codes == [403] * 5
    kept = Supplier.objects.get()
    assert (kept.name, kept.is_active, kept.contacts.count()) == ("Factory", True, 1)


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("get", ""),
        ("patch", ""),
        ("delete", ""),
        ("get", "/contacts"),
        ("post", "/contacts"),
        ("patch", "/contacts/1"),
        ("get", "/bank-accounts"),
        ("post", "/bank-accounts"),
        ("post", "/bank-accounts/1/reveal"),
    ],
)
def test_an_unknown_supplier_is_not_found(client_api, verb, path):
    body = {**CONTACT, **ACCOUNT}

    response = getattr(client_api, verb)(f"{URL}/471147114711{path}", body if verb != "get" else None, format="json")

    assert response.status_code == 404
    assert response.json() == {"code": "supplier_not_found", "detail": "There is no supplier 471147114711."}
    assert not SupplierContact.objects.exists()
    assert not SupplierBankAccount.objects.exists()


def test_every_address_answers_with_and_without_the_slash(client_api):
    supplier = make_supplier()

    for path in (URL, f"{URL}/{supplier.pk}", f"{URL}/{supplier.pk}/contacts", f"{URL}/{supplier.pk}/bank-accounts"):
        assert client_api.get(path).status_code == client_api.get(f"{path}/").status_code == 200
    assert client_api.post(f"{URL}/{supplier.pk}/contacts/", CONTACT, format="json").status_code == 201
