"""Suppliers, the people there, and where they are paid."""

import pytest

from accounts.models import AuditLog
from accounts.rights import Role
from core.encryption import Undecryptable
from inventory.models import Supplier, SupplierBankAccount, SupplierContact
from inventory.services import suppliers
from tests.factories import make_order, make_product, make_supplier

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


def test_text_is_cleaned_on_its_way_in(client_api):
    body = {
        "name": "Toys & <b>Kits</b>",
        "notes": "<script>x</script>ok",
        "contacts": [{**CONTACT, "role": "<i>A</i>"}],
    }

    answer = client_api.post(URL, body, format="json").json()

    assert (answer["name"], answer["notes"], answer["contacts"][0]["role"]) == ("Toys & Kits", "xok", "A")


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


def test_of_an_account_number_only_the_last_four_are_ever_answered(client_api):
    accounts = f"{URL}/{make_supplier().pk}/bank-accounts"

    added = client_api.post(accounts, ACCOUNT, format="json")
    shown = client_api.get(accounts)

    assert added.status_code == 201
    assert added.json()["account_number"] == "•••• 1234"
    assert (added.json()["swift"], added.json()["currency"]) == ("EXAMCNBS", "USD")
    assert shown.json()["results"] == [added.json()]
    assert b"6222" not in added.content + shown.content


def test_an_account_number_is_stored_encrypted_and_read_back_whole(admin):
    account = add_account(make_supplier(), admin)

    account.refresh_from_db()
    assert "6222" not in account.account_number
    assert "1234" not in account.account_number
    assert account.reveal_account_number() == "6222000000001234"


def test_an_account_number_copied_to_another_row_cannot_be_read(admin):
    supplier = make_supplier()
    ours, theirs = add_account(supplier, admin), add_account(supplier, admin, "6222000000009999")

    SupplierBankAccount.objects.filter(pk=ours.pk).update(account_number=theirs.account_number)

    ours.refresh_from_db()
    with pytest.raises(Undecryptable):
        ours.reveal_account_number()
    assert theirs.reveal_account_number() == "6222000000009999"


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
