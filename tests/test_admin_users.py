"""People and service accounts in the office: every page ends in one operation, and shows no secret twice."""

import logging
import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts.models import AuditLog, ServiceKey, TotpDevice
from accounts.rights import Role
from accounts.services import mfa, users
from config.settings import base
from tests.conftest import bearing
from tests.factories import PASSWORD, make_user
from tests.test_admin import INLINE, USERS, Kept, last_row, office, with_mfa

User = get_user_model()
GOOD = "twelve brave otters"
KEY = re.compile(r"gdk_[\w-]{43}")


@pytest.fixture
def boss(admin):
    """The browser of an administrator, with a second administrator in the house."""
    make_user(Role.ADMIN)
    return office(admin)


@pytest.fixture
def mei(db):
    return make_user(Role.STAFF, email="mei@example.net")


@pytest.fixture
def shop(db):
    user, key = users.create_service("shop@example.net", actor=None)
    user.key = key
    return user


def page(user, name="change"):
    return f"{USERS}{user.pk}/{name}/"


def person(**fields):
    return {"email": "new@example.net", "role": "BUYER", "password": GOOD, "again": GOOD, **fields}


def errors(response):
    """Field by field, what a page says that was wrong."""
    assert response.status_code == 422
    return {name: list(found) for name, found in response.context["form"].errors.items()}


def stored(user):
    return User.objects.get(pk=user.pk)


def left_since(row):
    found = AuditLog.objects.filter(pk__gt=row).order_by("pk")
    return [(line.table_name, line.record_id, line.action, line.old_values, line.new_values) for line in found]


def opens(key):
    return bearing(key).get("/api/inventory").status_code == 200


def test_the_list_tells_who_may_sign_in_and_how(boss, mei):
    make_user(Role.VIEWER, email="lin@example.net", is_active=False)

    def shown(query=""):
        return [user.email for user in boss.get(f"{USERS}?{query}").context["cl"].result_list]

    columns = re.findall(r'class="[\w ]*column-(\w+)', boss.get(USERS).content.decode())
    assert columns == ["email", "role", "is_active", "second_factor", "last_login"]
    assert shown("q=MEI%40") == ["mei@example.net"]
    assert shown("role__exact=VIEWER&is_active__exact=0") == ["lin@example.net"]
    assert shown("mfa_enabled__exact=1") == []


# Making people


def test_a_person_is_added_and_can_sign_in(boss, admin):
    row = last_row() if AuditLog.objects.exists() else 0

    response = boss.post(f"{USERS}add/", person(email=" A&B@Example.NET "))

    made = User.objects.get(email="a&b@example.net")
    assert response["Location"] == page(made)
    assert (made.role, made.is_active, made.check_password(GOOD)) == ("BUYER", True, True)
    assert "<h1>a&amp;b@example.net</h1>" in boss.get(page(made)).content.decode()
    ((table, record, action, old, new),) = left_since(row)
    assert (table, record, action, old, new["password"]) == ("users", made.pk, "CREATE", None, "(hidden)")
    assert AuditLog.objects.latest("pk").user_id == admin.pk
    assert not LogEntry.objects.exists()


@pytest.mark.abuse("AUTH-30")
@pytest.mark.parametrize("door", ["add", "set"])
def test_a_password_is_stored_as_production_stores_it(boss, mei, settings, door):
    settings.PASSWORD_HASHERS = base.PASSWORD_HASHERS

    if door == "add":
        boss.post(f"{USERS}add/", person())
        user = User.objects.get(email="new@example.net")
    else:
        boss.post(page(mei, "password"), {"password": GOOD, "again": GOOD})
        user = stored(mei)

    assert user.password.startswith("bcrypt_sha256$$2b$12$")
    assert user.check_password(GOOD)


@pytest.mark.abuse("AUTH-32")
@pytest.mark.parametrize("weak", ["1", "password1", "new@example.net", "12345678901", "x" * 129])
def test_a_weak_password_makes_nobody(boss, weak):
    before = User.objects.count()

    response = boss.post(f"{USERS}add/", person(password=weak, again=weak))

    assert next(iter(errors(response))) == "password"
    assert not INLINE.search(response.content.decode())
    assert not re.search(r'type="password"[^>]*value=', response.content.decode())
    assert User.objects.count() == before


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"again": "twelve brave badgers"}, "again"),
        ({"email": "MEI@example.net"}, "email"),
        ({"email": "no address"}, "email"),
        ({"email": ""}, "email"),
        ({"email": "<b>@example.net"}, "email"),
        ({"email": f"{'a' * 250}@example.net"}, "email"),
        ({"role": "SYNC"}, "role"),
        ({"role": "GOD"}, "role"),
        ({"role": ""}, "role"),
        ({"password": ""}, "password"),
    ],
)
def test_what_makes_no_sense_makes_nobody(boss, mei, wrong, place):
    before, row = User.objects.count(), AuditLog.objects.count()

    assert place in errors(boss.post(f"{USERS}add/", person(**wrong)))
    assert (User.objects.count(), AuditLog.objects.count()) == (before, row)


@pytest.mark.abuse("AUTHZ-08")
def test_nothing_but_the_fields_of_the_form_can_be_set(boss, mei):
    extra = {"is_superuser": "on", "is_staff": "on", "mfa_enabled": "on", "credentials_version": "9", "id": "1"}

    boss.post(f"{USERS}add/", person(**extra))
    boss.post(page(mei), {"role": "VIEWER", "is_active": "on", "email": "x@example.net", "password": "x", **extra})

    made, changed = User.objects.get(email="new@example.net"), stored(mei)
    assert (made.mfa_enabled, made.credentials_version, made.role) == (False, 1, "BUYER")
    assert (changed.email, changed.mfa_enabled, changed.role) == ("mei@example.net", False, "VIEWER")
    assert changed.check_password(PASSWORD)
    assert not hasattr(made, "is_superuser")


# Changing what somebody may do


def test_role_and_activity_are_changed_and_end_what_they_were_signed_in_with(boss, mei, admin):
    browser, row = office(mei), last_row()

    response = boss.post(page(mei), {"role": "VIEWER"})

    assert response["Location"] == page(mei)
    assert (stored(mei).role, stored(mei).is_active) == ("VIEWER", False)
    assert browser.get("/admin/").status_code == 302
    assert left_since(row) == [
        ("users", mei.pk, "DELETE", {"role": "STAFF", "is_active": True}, {"role": "VIEWER", "is_active": False})
    ]
    assert AuditLog.objects.latest("pk").user_id == admin.pk


def test_saving_the_same_changes_nothing(boss, mei):
    browser, row = office(mei), last_row()

    boss.post(page(mei), {"role": "STAFF", "is_active": "on"})

    assert left_since(row) == []
    assert browser.get("/admin/").status_code == 200


@pytest.mark.parametrize("change", [{"role": "VIEWER", "is_active": "on"}, {"role": "ADMIN"}])
def test_the_last_administrator_stays(admin, change):
    response = office(admin).post(page(admin), change)

    assert errors(response) == {
        "__all__": ["This is the last active administrator. Make another one first."],
    }
    assert (stored(admin).role, stored(admin).is_active) == ("ADMIN", True)


def test_who_gives_up_the_office_is_out_at_once(boss, admin):
    boss.post(page(admin), {"role": "VIEWER", "is_active": "on"})

    assert boss.get(USERS).status_code == 302


@pytest.mark.abuse("AUTHZ-12")
def test_a_person_becomes_no_service_account_and_the_other_way_round(boss, mei, shop):
    assert list(errors(boss.post(page(mei), {"role": "SYNC", "is_active": "on"}))) == ["role"]

    assert "role" not in boss.get(page(shop)).context["form"].fields

    boss.post(page(shop), {"role": "ADMIN", "is_active": "on"})

    assert (stored(mei).role, stored(shop).role) == ("STAFF", "SYNC")


@pytest.mark.abuse("AUD-08")
def test_nobody_is_deleted(boss, mei):
    assert boss.post(page(mei, "delete"), {"post": "yes"}).status_code == 403
    boss.post(USERS, {"action": "delete_selected", "_selected_action": [mei.pk], "post": "yes"})

    assert stored(mei).is_active
    assert page(mei, "delete") not in boss.get(page(mei)).content.decode()


@pytest.mark.parametrize("name", ["change", "password", "reset-mfa", "unlock", "rotate-key"])
def test_a_form_of_another_site_changes_nothing(admin, name):
    user, device = with_mfa(Role.STAFF)
    TotpDevice.objects.filter(pk=device.pk).update(throttling_failure_count=3)
    before = User.objects.values().get(pk=user.pk)
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(admin)

    response = browser.post(page(user, name), {"role": "ADMIN", "password": GOOD, "again": GOOD, "minutes": 0})

    assert response.status_code == 403
    assert User.objects.values().get(pk=user.pk) == before
    assert TotpDevice.objects.get().throttling_failure_count == 3


# Passwords and second factors


@pytest.mark.abuse("AUTH-22")
def test_a_new_password_ends_everything_and_its_owner_is_told(
    boss, mei, mailoutbox, django_capture_on_commit_callbacks
):
    browser, row = office(mei), last_row()

    with django_capture_on_commit_callbacks(execute=True):
        response = boss.post(page(mei, "password"), {"password": GOOD, "again": GOOD})

    assert response["Location"] == page(mei)
    assert stored(mei).check_password(GOOD)
    assert browser.get("/admin/").status_code == 302
    assert [mail.to for mail in mailoutbox] == [["mei@example.net"]]
    assert GOOD not in str(left_since(row)) + mailoutbox[0].body
    assert left_since(row) == [("users", mei.pk, "UPDATE", {"password": "(hidden)"}, {"password": "(hidden)"})]


@pytest.mark.abuse("AUTH-32")
@pytest.mark.parametrize("weak", ["1", "password1", "mei@example.net", "12345678901"])
def test_a_weak_new_password_changes_nothing(boss, mei, weak):
    browser = office(mei)

    assert list(errors(boss.post(page(mei, "password"), {"password": weak, "again": weak}))) == ["password"]

    assert stored(mei).check_password(PASSWORD)
    assert browser.get("/admin/").status_code == 200


def test_a_service_account_gets_no_password(boss, shop):
    response = boss.post(page(shop, "password"), {"password": GOOD, "again": GOOD})

    assert "__all__" in errors(response)
    assert not stored(shop).has_usable_password()


def test_a_lost_second_factor_is_taken_away_after_saying_what_that_means(
    boss, mailoutbox, django_capture_on_commit_callbacks
):
    user, device = with_mfa(Role.STAFF)
    browser = office(user, device)
    assert "the password alone opens this account" in boss.get(page(user, "reset-mfa")).content.decode()
    assert stored(user).mfa_enabled

    with django_capture_on_commit_callbacks(execute=True):
        boss.post(page(user, "reset-mfa"))

    assert not stored(user).mfa_enabled
    assert not TotpDevice.objects.exists()
    assert browser.get("/admin/").status_code == 302
    assert [mail.to for mail in mailoutbox] == [[user.email]]


def test_a_second_factor_that_is_not_there_cannot_be_taken_away(boss, mei):
    assert "__all__" in errors(boss.post(page(mei, "reset-mfa")))


@pytest.mark.abuse("AUTH-10")
@pytest.mark.parametrize(
    ("name", "sent_to"),
    [("password", "/account/password"), ("reset-mfa", "/account/mfa/disable"), ("unlock", "/account")],
)
def test_the_office_is_no_way_around_the_proof_for_ones_own_account(db, name, sent_to):
    """A stolen session of an administrator has neither the password nor a code."""
    boss, device = with_mfa(Role.ADMIN)
    TotpDevice.objects.filter(pk=device.pk).update(throttling_failure_count=3)
    browser, before, row = office(boss, device), User.objects.values().get(pk=boss.pk), last_row()

    answer = browser.post(page(boss, name), {"password": GOOD, "again": GOOD})

    assert (answer.status_code, answer["Location"]) == (302, sent_to)
    assert User.objects.values().get(pk=boss.pk) == before
    assert TotpDevice.objects.get().throttling_failure_count == 3
    assert left_since(row) == []


@pytest.mark.abuse("AUTH-13")
def test_wrong_codes_are_forgotten(boss):
    user, _ = with_mfa(Role.STAFF)
    with pytest.raises(Exception, match="not valid"):
        mfa.prove_at_sign_in("000000", actor=user)
    assert TotpDevice.objects.get().throttling_failure_count == 1

    boss.post(page(user, "unlock"))

    assert TotpDevice.objects.get().throttling_failure_count == 0
    assert stored(user).mfa_enabled


def test_each_account_is_offered_what_it_can_have(boss, mei, shop):
    secured, _ = with_mfa(Role.STAFF)

    def offered(user):
        names = ("password", "reset-mfa", "unlock", "rotate-key", "history")
        html = boss.get(page(user)).content.decode()
        return {name for name in names if f'href="{page(user, name)}"' in html}

    assert offered(mei) == {"password", "history"}
    assert offered(secured) == {"password", "reset-mfa", "unlock", "history"}
    assert offered(shop) == {"rotate-key", "history"}


# Service accounts


def whereabouts(key, lines):
    """Every place that outlives the answer and holds ``key``."""
    places = {
        "sessions": [session.get_decoded() for session in Session.objects.all()],
        "audit log": list(AuditLog.objects.values()),
        "django's log": list(LogEntry.objects.values()),
        "keys": list(ServiceKey.objects.values()),
        "users": list(User.objects.values()),
        "logs": lines,
    }
    return {name for name, content in places.items() if key in str(content)}


@pytest.mark.abuse("INT-09")
@pytest.mark.parametrize("how", ["made", "rotated"])
def test_a_key_is_shown_once_and_kept_nowhere(boss, shop, caplog, how):
    caplog.set_level(logging.DEBUG)

    with Kept() as kept:
        if how == "made":
            response = boss.post(f"{USERS}add-service/", {"email": "lazada@example.net"})
            account = User.objects.get(email="lazada@example.net")
        else:
            response, account = boss.post(page(shop, "rotate-key"), {"minutes": "0"}), shop

    (key,) = KEY.findall(response.content.decode())
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    assert not INLINE.search(response.content.decode())
    assert opens(key)
    assert whereabouts(key, [caplog.text, *kept.lines]) == set()
    assert boss.cookies.get("messages") is None
    later = boss.get(page(account)).content.decode() + boss.get(USERS).content.decode()
    assert KEY.findall(later) == []
    assert ServiceKey.objects.get(user=account, expires_at=None).digest not in later


def test_a_service_account_has_the_role_of_one_and_no_password(boss, admin):
    boss.post(f"{USERS}add-service/", {"email": "Lazada@example.net", "role": "ADMIN", "password": GOOD})

    made = User.objects.get(email="lazada@example.net")
    assert (made.role, made.has_usable_password()) == ("SYNC", False)
    assert AuditLog.objects.filter(table_name="users", record_id=made.pk).get().user_id == admin.pk


@pytest.mark.parametrize("email", ["shop@example.net", "no address", ""])
def test_no_second_account_of_an_e_mail_and_no_key(boss, shop, email):
    response = boss.post(f"{USERS}add-service/", {"email": email})

    assert list(errors(response)) == ["email"]
    assert ServiceKey.objects.count() == 1
    assert KEY.findall(response.content.decode()) == []


@pytest.mark.abuse("INT-09")
def test_the_old_key_lives_as_long_as_the_grace(boss, shop):
    boss.post(page(shop, "rotate-key"), {"minutes": "30"})

    assert opens(shop.key)
    left = ServiceKey.objects.get(expires_at__isnull=False).expires_at - timezone.now()
    assert timedelta(minutes=29) < left <= timedelta(minutes=30)

    boss.post(page(shop, "rotate-key"), {"minutes": "0"})

    assert not opens(shop.key)


@pytest.mark.parametrize("minutes", ["", "-1", "10081", "soon", "1e3"])
def test_a_grace_is_minutes_up_to_a_week(boss, shop, minutes):
    assert list(errors(boss.post(page(shop, "rotate-key"), {"minutes": minutes}))) == ["minutes"]

    assert opens(shop.key)
    assert ServiceKey.objects.count() == 1


def test_a_person_has_no_key(boss, mei):
    response = boss.post(page(mei, "rotate-key"), {"minutes": "0"})

    assert errors(response) == {"__all__": ["Only a service account (role SYNC) has a key."]}
    assert not ServiceKey.objects.exists()


def test_looking_at_a_page_does_nothing(boss, shop):
    user, _ = with_mfa(Role.STAFF)
    row = last_row()

    for name in ("password", "reset-mfa", "unlock", "rotate-key"):
        assert boss.get(page(shop if name == "rotate-key" else user, name)).status_code == 200
    assert boss.get(f"{USERS}add-service/").status_code == 200

    assert left_since(row) == []
    assert opens(shop.key)
