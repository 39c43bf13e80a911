"""Accounts for programs: a key shown once, no password, nothing but sales and stock."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from rest_framework.test import APIClient

from accounts.errors import EmailTaken, LastAdmin, OnlyForPeople, OnlyForServices
from accounts.models import AuditLog, ServiceKey, User
from accounts.rights import Role
from accounts.services import mfa, users
from tests.conftest import bearing
from tests.factories import PASSWORD, make_product, make_user

NOW = datetime(2026, 6, 15, 3, 0, tzinfo=UTC)


@pytest.fixture
def shop(admin):
    """A service account, with its key as ``shop.key``."""
    user, key = users.create_service("shopee@example.net", actor=admin)
    user.key = key
    return user


def sell(key, product):
    return bearing(key).post("/api/inventory/sale", {"product_id": product.pk, "quantity": 1}, format="json")


def opens(key):
    return bearing(key).get("/api/inventory").status_code


def test_the_key_signs_in_and_the_audit_log_names_the_account(shop):
    product = make_product(on_hand=3)

    assert sell(shop.key, product).status_code == 201

    assert {row.user_id for row in AuditLog.objects.filter(table_name="sales")} == {shop.pk}


@pytest.mark.abuse("AUTHZ-12")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/api/products"),
        ("get", "/api/suppliers"),
        ("get", "/api/suppliers/1/bank-accounts"),
        ("get", "/api/orders"),
        ("get", "/api/audit-log"),
        ("get", "/api/dashboard"),
        ("post", "/api/inventory/adjust"),
        ("post", "/api/inventory/receive-shipment"),
        ("post", "/api/orders/1/status"),
        ("post", "/api/auth/password"),
        ("post", "/api/auth/mfa/setup"),
        ("post", "/api/auth/mfa/disable"),
    ],
)
def test_a_service_account_may_do_nothing_but_its_work(shop, method, path):
    assert getattr(bearing(shop.key), method)(path, {}, format="json").status_code == 403


@pytest.mark.abuse("AUTHZ-12")
def test_a_service_account_signs_in_at_no_door_of_people(shop):
    shop.set_password(PASSWORD)  # a shell may do this; the doors stay shut
    shop.save()
    api = APIClient()

    login = api.post("/api/auth/login", {"email": shop.email, "password": PASSWORD}, format="json")
    as_password = api.post("/api/auth/login", {"email": shop.email, "password": shop.key}, format="json")
    page = Client().post("/sign-in", {"username": shop.email, "password": PASSWORD})
    office = Client().post("/admin/login/", {"username": shop.email, "password": PASSWORD})
    session = Client()
    session.force_login(shop)

    assert (login.status_code, as_password.status_code) == (401, 401)
    assert not page.wsgi_request.user.is_authenticated
    assert not office.wsgi_request.user.is_authenticated
    assert session.get("/api/inventory").status_code == 401
    assert session.get("/account").status_code == 302


@pytest.mark.abuse("INT-09")
def test_the_key_is_stored_as_a_digest_only(shop):
    stored = json.dumps([*ServiceKey.objects.values(), *AuditLog.objects.values()], default=str)

    assert shop.key not in stored
    assert shop.key.removeprefix("gdk_") not in stored
    assert len(shop.key) == 47


@pytest.mark.abuse("INT-09")
def test_a_rotated_key_is_dead_at_once(shop, admin):
    fresh = users.rotate_service_key(shop.pk, now=datetime.now(UTC), actor=admin)

    assert (opens(shop.key), opens(fresh)) == (401, 200)


@pytest.mark.abuse("INT-09")
def test_a_key_can_be_rotated_without_a_gap(shop, admin):
    with time_machine.travel(NOW, tick=False) as clock:
        fresh = users.rotate_service_key(shop.pk, now=NOW, grace=timedelta(minutes=15), actor=admin)
        clock.move_to(NOW + timedelta(minutes=14, seconds=59))
        within = (opens(shop.key), opens(fresh))
        clock.move_to(NOW + timedelta(minutes=15))
        after = (opens(shop.key), opens(fresh))

    assert (within, after) == ((200, 200), (401, 200))


def test_a_second_rotation_does_not_prolong_the_first_grace(shop, admin):
    with time_machine.travel(NOW, tick=False) as clock:
        users.rotate_service_key(shop.pk, now=NOW, grace=timedelta(minutes=5), actor=admin)
        users.rotate_service_key(shop.pk, now=NOW, grace=timedelta(hours=5), actor=admin)
        clock.move_to(NOW + timedelta(minutes=6))

        assert opens(shop.key) == 401


def test_keys_that_have_ended_are_removed_with_the_next_rotation(shop, admin):
    for _ in range(3):
        users.rotate_service_key(shop.pk, now=datetime.now(UTC), actor=admin)

    assert ServiceKey.objects.filter(user=shop).count() == 2


@pytest.mark.abuse("AUTH-20", "AUTHZ-12")
def test_a_deactivated_service_account_is_shut_out_at_once(shop, admin):
    users.change(shop.pk, is_active=False, actor=admin)

    assert opens(shop.key) == 401


@pytest.mark.abuse("AUTHZ-12")
def test_a_key_that_was_shut_out_does_not_come_back_with_its_account(shop, admin):
    users.change(shop.pk, is_active=False, actor=admin)
    users.change(shop.pk, is_active=True, actor=admin)

    assert opens(shop.key) == 401
    assert opens(users.rotate_service_key(shop.pk, now=datetime.now(UTC), actor=admin)) == 200


def test_a_program_cannot_sign_out_everywhere(shop):
    answer = bearing(shop.key).post("/api/auth/logout", {"everywhere": True}, format="json")

    assert (answer.status_code, answer.json()["code"]) == (400, "only_for_people")
    assert opens(shop.key) == 200


def test_a_key_works_for_a_service_account_only(shop):
    User.objects.filter(pk=shop.pk).update(role=Role.ADMIN)

    assert bearing(shop.key).get("/api/products").status_code == 401


@pytest.mark.parametrize("key", ["gdk_", "gdk_x", "gdk_" + "A" * 43, "gdk_" + "A" * 5_000, "gdk_\u00e9"])
def test_a_key_that_is_not_ours_is_refused(shop, key):
    answer = bearing(key).get("/api/inventory")

    assert (answer.status_code, answer.json()["code"]) == (401, "bad_service_key")


@pytest.mark.abuse("AUTHZ-12")
def test_people_have_no_keys_and_services_no_passwords(shop, admin):
    with pytest.raises(OnlyForServices):
        users.rotate_service_key(admin.pk, now=NOW, actor=admin)
    with pytest.raises(OnlyForPeople):
        users.set_password(shop.pk, "another good battery", actor=admin)
    with pytest.raises(OnlyForPeople):
        users.change_password("x", "another good battery", actor=shop)
    with pytest.raises(OnlyForPeople):
        mfa.set_up(actor=shop)
    with pytest.raises(OnlyForPeople):
        users.create(email="x@example.net", password="another good battery", role=Role.SYNC, actor=admin)
    assert ServiceKey.objects.count() == 1


def test_a_person_stays_a_person_and_a_service_account_a_service_account(shop, admin):
    staff = make_user(Role.STAFF)

    with pytest.raises(OnlyForPeople):
        users.change(staff.pk, role=Role.SYNC, actor=admin)
    with pytest.raises(OnlyForServices):
        users.change(shop.pk, role=Role.STAFF, actor=admin)

    assert User.objects.get(pk=shop.pk).role == "SYNC"


def test_an_e_mail_belongs_to_one_account(shop, admin):
    with pytest.raises(EmailTaken):
        users.create_service("Shopee@example.net", actor=admin)

    assert ServiceKey.objects.count() == 1


def test_the_last_administrator_cannot_be_demoted_or_deactivated(admin):
    for change in ({"role": Role.STAFF}, {"is_active": False}):
        with pytest.raises(LastAdmin):
            users.change(admin.pk, **change, actor=admin)

    assert User.objects.active_admins().get() == admin


def test_changing_to_the_same_ends_no_sign_in(admin):
    before = User.objects.get(pk=admin.pk).credentials_version

    users.change(admin.pk, role=Role.ADMIN, is_active=True, actor=admin)

    assert User.objects.get(pk=admin.pk).credentials_version == before
