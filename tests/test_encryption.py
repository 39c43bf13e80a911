"""Secrets at rest."""

import logging
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.cache import caches
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import AuditLog, TotpDevice
from accounts.rights import Role
from accounts.services import mfa, users
from config.celery import Job
from core import encryption, security_log
from core.encryption import Undecryptable
from inventory.models import SupplierBankAccount
from inventory.services import suppliers
from tests.browser import password_step
from tests.codes import code_of
from tests.conftest import api, bearing
from tests.factories import PASSWORD, make_product, make_supplier, make_user

PLACE = "supplier_bank_accounts:7"
OLD, NEW, FOREIGN = (Fernet.generate_key().decode() for _ in range(3))


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_what_was_encrypted_is_read_back(value):
    assert encryption.decrypt(encryption.encrypt(value, bound_to=PLACE), bound_to=PLACE) == value


@pytest.mark.abuse("DATA-01")
def test_the_value_is_not_to_be_seen_and_no_two_tokens_are_alike():
    first, second = (encryption.encrypt("6222000000001234", bound_to=PLACE) for _ in range(2))

    assert "6222" not in first
    assert first != second


@pytest.mark.abuse("DATA-03")
@pytest.mark.parametrize("place", ["supplier_bank_accounts:8", "supplier_bank_accounts:70", "users:7", ""])
def test_a_value_moved_to_another_row_cannot_be_read(place):
    token = encryption.encrypt("6222", bound_to=PLACE)

    with pytest.raises(Undecryptable):
        encryption.decrypt(token, bound_to=place)


@pytest.mark.abuse("DATA-04")
def test_a_rotated_key_still_reads_and_the_newest_writes(settings):
    settings.DB_ENCRYPTION_KEYS = [OLD]
    written_before = encryption.encrypt("6222", bound_to=PLACE)

    settings.DB_ENCRYPTION_KEYS = [NEW, OLD]
    written_after = encryption.encrypt("6222", bound_to=PLACE)
    assert encryption.decrypt(written_before, bound_to=PLACE) == "6222"

    settings.DB_ENCRYPTION_KEYS = [NEW]
    assert encryption.decrypt(written_after, bound_to=PLACE) == "6222"
    with pytest.raises(Undecryptable):
        encryption.decrypt(written_before, bound_to=PLACE)


def test_a_wrong_key_reads_nothing(settings):
    settings.DB_ENCRYPTION_KEYS = [OLD]
    token = encryption.encrypt("6222", bound_to=PLACE)
    settings.DB_ENCRYPTION_KEYS = [FOREIGN]

    with pytest.raises(Undecryptable):
        encryption.decrypt(token, bound_to=PLACE)


def test_an_altered_token_cannot_be_read():
    token = encryption.encrypt("6222", bound_to=PLACE)
    middle = len(token) // 2
    altered = token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]

    with pytest.raises(Undecryptable):
        encryption.decrypt(altered, bound_to=PLACE)


@pytest.mark.parametrize("token", ["", "6222", "gAAAAA", "•••• 1234"])
def test_what_is_no_token_cannot_be_read(token):
    with pytest.raises(Undecryptable):
        encryption.decrypt(token, bound_to=PLACE)


@pytest.mark.parametrize("content", [b"6222", b'"6222"', b"[]", b'["supplier_bank_accounts:7"]', b"7", b"null"])
def test_a_token_of_our_key_that_we_did_not_write_cannot_be_read(settings, content):
    settings.DB_ENCRYPTION_KEYS = [OLD]

    with pytest.raises(Undecryptable):
        encryption.decrypt(Fernet(OLD).encrypt(content).decode(), bound_to=PLACE)


# A copy of everything that is kept opens nothing

NUMBER, NEW_PASSWORD = "6222987611118642", "another horse battery"


def kept() -> str:
    """Everything that database, cache and counters hold, as text."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            found.append(f"{table}: {cursor.fetchall()}")
    for name in ("default", "counters"):
        cache: Any = caches[name]._cache
        entries = cache if isinstance(cache, dict) else {key: cache.get_client().get(key) for key in _keys(cache)}
        found += [f"{name}: {key} {value}" for key, value in entries.items()]
    return "\n".join(found)


def _keys(cache: Any) -> list[bytes]:
    client = cache.get_client()
    return [key for key in client.scan_iter() if client.type(key) == b"string"]


@pytest.fixture
def lived(admin, settings):
    """A day of work with secrets, through all doors. Returns the secrets, and what the logs told."""
    told: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: told.append(record.getMessage())
    for log in (security_log.log, logging.getLogger()):
        log.addHandler(handler)
    settings.DB_ENCRYPTION_KEYS = [OLD]
    office, product = api(admin), make_product(on_hand=9)
    accounts = f"/api/suppliers/{make_supplier().pk}/bank-accounts"
    body = {"holder": "Factory", "bank_name": "Bank", "account_number": NUMBER}
    made = office.post(accounts, body, format="json").json()
    assert office.post(f"{accounts}/{made['id']}/reveal").json()["account_number"] == NUMBER
    _, key = users.create_service("sync@example.net", actor=admin)
    sale = {"product_id": product.pk, "quantity": 1}
    assert bearing(key).post("/api/inventory/sale", sale, format="json", HTTP_IDEMPOTENCY_KEY="k").status_code == 201
    mei = make_user(Role.STAFF)
    app = mfa.set_up(actor=mei)
    codes = mfa.enable(code_of(mei, step=-1), actor=mei)
    browser, _ = password_step(mei)
    browser.post("/sign-in/code", {"code": codes[0]})
    login = {"email": mei.email, "password": PASSWORD, "code": code_of(mei)}
    pair = office.post("/api/auth/login", login, format="json").json()
    settings.DB_ENCRYPTION_KEYS = [NEW, OLD]
    assert (suppliers.encrypt_with_newest_key(), mfa.encrypt_with_newest_key()) == (1, 1)
    changed = bearing(pair["access_token"]).post(
        "/api/auth/password", {"current_password": PASSWORD, "new_password": NEW_PASSWORD}, format="json"
    )
    assert changed.status_code == 200, changed.content
    office.post("/api/auth/login", {**login, "password": "a mistyped battery"}, format="json")
    secrets = {
        "account number": NUMBER, "its first digits": NUMBER[:-4], "password": PASSWORD, "new password": NEW_PASSWORD,
        "mistyped password": "a mistyped battery", "service key": key, "secret of the app": app.secret,
        "access token": pair["access_token"], "refresh token": pair["refresh_token"],
        **{f"recovery code {code}": code for code in codes},
        **{f"recovery code {code} as typed": code.replace("-", "") for code in codes},
    }  # fmt: skip
    yield secrets, told
    for log in (security_log.log, logging.getLogger()):
        log.removeHandler(handler)


@pytest.mark.abuse("DATA-01", "DATA-10")
def test_a_copy_of_everything_that_is_kept_holds_no_secret(lived):
    secrets, _ = lived

    found = kept()

    assert [name for name, secret in secrets.items() if secret in found] == []
    assert NUMBER[-4:] in found
    assert SupplierBankAccount.objects.get().account_number in found


@pytest.mark.abuse("DATA-01", "DATA-10")
def test_no_log_tells_a_secret(lived):
    secrets, told = lived

    assert [name for name, secret in secrets.items() if secret in "\n".join(told)] == []
    assert len(told) > 5


@pytest.mark.abuse("DATA-02")
def test_the_audit_log_holds_neither_secrets_nor_what_is_stored_of_them(lived):
    secrets, _ = lived
    device, account = TotpDevice.objects.get(), SupplierBankAccount.objects.get()

    log = str(list(AuditLog.objects.values()))

    hidden = [*secrets.values(), "bcrypt", "gAAAA", device.secret, account.account_number, *device.recovery_digests]
    assert [text for text in hidden if text in log] == []
    assert "(encrypted with the newest key)" in log


@pytest.mark.abuse("DATA-11")
def test_what_goes_into_the_queue_is_numbers_and_names_of_things(db, monkeypatch, django_capture_on_commit_callbacks):
    sent: list[Any] = []
    monkeypatch.setattr(Job, "apply_async", lambda self, args=(), kwargs=None, **_: sent.append((args, kwargs)))
    mei = make_user(Role.STAFF)

    with django_capture_on_commit_callbacks(execute=True):
        mfa.set_up(actor=mei)
        mfa.enable(code_of(mei), actor=mei)
        users.change_password(PASSWORD, NEW_PASSWORD, actor=mei)

    assert sent == [((mei.pk, "mfa_enabled"), {}), ((mei.pk, "password_changed"), {})]
