"""The second factor: setting it up, signing in with it, losing it, giving it up."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.db import connection
from django_otp.oath import TOTP
from rest_framework.test import APIClient

from accounts.models import AuditLog, SignIn, TotpDevice
from accounts.rights import Right, Role
from accounts.services import mfa, users
from core import encryption
from core.encryption import Undecryptable
from tests.codes import code_of
from tests.conftest import api, bearing
from tests.factories import PASSWORD, make_user
from tests.test_access import ACCESS

User = get_user_model()
LOGIN, ME = "/api/auth/login", "/api/auth/me"
SETUP, VERIFY = "/api/auth/mfa/setup", "/api/auth/mfa/verify"
DISABLE, RECOVERY = "/api/auth/mfa/disable", "/api/auth/mfa/recovery-codes"
NOW = datetime(2026, 6, 15, 3, 0, 0, tzinfo=UTC)
STEP = timedelta(seconds=30)


@pytest.fixture(autouse=True)
def clock():
    """Time moves only when a test moves it."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def user(db):
    return make_user(Role.STAFF, email="mei@example.net")


@pytest.fixture
def guarded(user, clock):
    """``user`` with the second factor on, and its recovery codes as ``user.recovery_codes``."""
    mfa.set_up(actor=user)
    codes = mfa.enable(code_of(user), actor=user)
    clock.shift(STEP)
    found = User.objects.get(pk=user.pk)
    found.recovery_codes = codes
    return found


def wrong_code_of(user):
    return f"{(int(code_of(user)) + 1) % 1_000_000:06d}"


def login(user, code=None, password=PASSWORD):
    body = {"email": user.email, "password": password}
    return APIClient().post(LOGIN, body if code is None else {**body, "code": code}, format="json")


def post(client, path, **body):
    return client.post(path, body, format="json")


def test_setting_up_gives_what_an_authenticator_app_needs_and_guards_nothing_yet(user):
    answer = post(api(user), SETUP)

    made = answer.json()
    assert answer.status_code == 200
    assert set(made) == {"secret", "provisioning_uri", "qr_code_uri", "qr_svg"}
    assert len(base64.b32decode(made["secret"])) == 20
    assert made["provisioning_uri"] == (
        f"otpauth://totp/Godown%3Amei%40example.net?secret={made['secret']}&issuer=Godown&digits=6&period=30"
    )
    assert made["qr_code_uri"].startswith("data:image/png;base64,")
    assert made["qr_svg"].startswith("<svg")
    assert "style=" not in made["qr_svg"]
    assert login(user).status_code == 200


def test_the_secret_is_stored_encrypted_and_bound_to_its_user(user):
    secret = post(api(user), SETUP).json()["secret"]
    stored = TotpDevice.objects.get(user=user)
    other = make_user()

    assert stored.secret.startswith("gAAAA")
    assert secret not in json.dumps([*TotpDevice.objects.values(), *AuditLog.objects.values()], default=str)
    moved = TotpDevice(user=other, secret=stored.secret)
    with pytest.raises(Undecryptable):
        moved.reveal_secret()


def test_the_first_code_turns_it_on_and_gives_ten_recovery_codes(user):
    client = api(user)
    post(client, SETUP)

    answer = post(client, VERIFY, code=code_of(user))

    made = answer.json()
    assert answer.status_code == 200
    assert len(set(made["recovery_codes"])) == 10
    assert {len(code) for code in made["recovery_codes"]} == {29}
    assert bearing(made["access_token"]).get(ME).json()["mfa_enabled"] is True


@pytest.mark.abuse("AUTH-03", "AUTH-10")
def test_turning_it_on_ends_what_was_signed_in_without_it(user):
    here, elsewhere = api(user), api(user)
    post(here, SETUP)

    post(here, VERIFY, code=code_of(user))

    assert here.get(ME).status_code == elsewhere.get(ME).status_code == 401
    assert SignIn.objects.filter(user=user).count() == 1


@pytest.mark.abuse("AUTH-09")
def test_recovery_codes_are_stored_as_digests_only(guarded):
    stored = json.dumps([*TotpDevice.objects.values(), *AuditLog.objects.values()], default=str)

    assert not [code for code in guarded.recovery_codes if code in stored or code.replace("-", "") in stored]


def test_a_wrong_first_code_turns_nothing_on(user):
    client = api(user)
    post(client, SETUP)

    answer = post(client, VERIFY, code=wrong_code_of(user))

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_code")
    assert client.get(ME).json()["mfa_enabled"] is False
    assert login(user).status_code == 200


def test_verifying_without_setting_up_is_refused(user):
    answer = post(api(user), VERIFY, code="123456")

    assert (answer.status_code, answer.json()["code"]) == (400, "mfa_not_on")


@pytest.mark.abuse("AUTH-04")
def test_setting_up_again_before_the_first_code_replaces_the_secret(user):
    client = api(user)
    first, second = (post(client, SETUP).json()["secret"] for _ in range(2))
    old = TOTP(base64.b32decode(first))
    old.time = NOW.timestamp()

    assert first != second
    assert post(client, VERIFY, code=f"{old.token():06d}").status_code == 400
    assert TotpDevice.objects.count() == 1


@pytest.mark.abuse("AUTH-01")
def test_the_password_alone_gives_no_token_once_it_is_on(guarded):
    since = SignIn.objects.count()

    answer = login(guarded)

    assert (answer.status_code, answer.json()["code"]) == (401, "mfa_required")
    assert "token" not in answer.content.decode()
    assert SignIn.objects.count() == since


def test_password_and_code_sign_in(guarded):
    answer = login(guarded, code_of(guarded))

    assert answer.status_code == 200
    assert bearing(answer.json()["access_token"]).get(ME).json()["email"] == guarded.email


def test_a_wrong_password_is_told_before_any_code_is_looked_at(guarded):
    answer = login(guarded, code_of(guarded), password="wrong")

    assert (answer.status_code, answer.json()["code"]) == (401, "bad_credentials")
    assert login(guarded, code_of(guarded)).status_code == 200


@pytest.mark.parametrize("shift", [-1, 0, 1])
def test_a_clock_that_differs_by_a_step_is_tolerated(guarded, clock, shift):
    clock.shift(3 * STEP)

    assert login(guarded, code_of(guarded, step=shift)).status_code == 200


@pytest.mark.parametrize("shift", [-3, -2, 2, 3])
def test_a_code_of_another_time_is_refused(guarded, clock, shift):
    clock.shift(5 * STEP)

    assert login(guarded, code_of(guarded, step=shift)).status_code == 401


@pytest.mark.abuse("AUTH-07")
def test_a_code_works_once_and_no_earlier_one_after_it(guarded, clock):
    clock.shift(3 * STEP)
    earlier, code = code_of(guarded, step=-1), code_of(guarded)
    assert login(guarded, code).status_code == 200

    again = login(guarded, code)
    clock.shift(timedelta(seconds=2))
    before = login(guarded, earlier)

    assert [again.status_code, before.status_code] == [401, 401]
    assert again.json()["code"] == "bad_code"


@pytest.mark.parametrize(
    "spelling", ["１２３４５６", "12345", "1234567", "+12345", "1_2345", "abcdef", "٠١٢٣٤٥", "000000 OR 1=1", "-00001"]
)
def test_what_is_not_six_digits_is_a_wrong_code(guarded, spelling):
    assert login(guarded, spelling).status_code == 401
    assert TotpDevice.objects.get(user=guarded).throttling_failure_count == 1


def test_a_code_may_be_typed_in_two_groups(guarded):
    code = code_of(guarded)

    assert login(guarded, f" {code[:3]} {code[3:]} ").status_code == 200


@pytest.mark.abuse("AUTH-05")
def test_wrong_codes_are_counted_although_their_requests_fail_and_the_wait_doubles(guarded, clock):
    waits = []
    for _ in range(5):
        assert login(guarded, wrong_code_of(guarded)).status_code == 401
        refused = login(guarded, code_of(guarded))
        waits.append((refused.status_code, int(refused["Retry-After"])))
        clock.shift(timedelta(seconds=waits[-1][1]))

    assert waits == [(429, 2), (429, 3), (429, 5), (429, 9), (429, 17)]
    assert TotpDevice.objects.get(user=guarded).throttling_failure_count == 5


def test_a_right_code_after_the_wait_clears_the_count(guarded, clock):
    login(guarded, wrong_code_of(guarded))
    clock.shift(timedelta(seconds=2))

    assert login(guarded, code_of(guarded)).status_code == 200

    assert TotpDevice.objects.get(user=guarded).throttling_failure_count == 0


@pytest.mark.abuse("AUTH-13")
def test_the_wait_stops_growing_and_a_recovery_code_passes_it(guarded, clock):
    device = TotpDevice.objects.get(user=guarded)
    for _ in range(200):
        device.throttle_increment()
    locked = login(guarded, code_of(guarded))

    assert (locked.status_code, locked["Retry-After"]) == (429, "1025")
    assert login(guarded, guarded.recovery_codes[0]).status_code == 200


@pytest.mark.abuse("AUTH-09")
def test_a_recovery_code_works_once_and_its_use_is_recorded(guarded):
    code = guarded.recovery_codes[3]

    assert login(guarded, code).status_code == 200
    assert login(guarded, code).status_code == 401

    row = AuditLog.objects.filter(table_name="totp_devices").latest("pk")
    assert (row.action, row.old_values, row.new_values, row.user_id) == (
        "UPDATE",
        {"recovery_codes_left": 10},
        {"recovery_codes_left": 9},
        guarded.pk,
    )


def test_a_recovery_code_may_be_typed_without_its_dashes_in_capitals(guarded):
    assert login(guarded, guarded.recovery_codes[0].replace("-", "").upper()).status_code == 200


@pytest.mark.abuse("AUTH-09")
def test_new_recovery_codes_kill_the_old_ones(guarded):
    client = bearing(login(guarded, code_of(guarded)).json()["access_token"])

    answer = post(client, RECOVERY, password=PASSWORD, code=guarded.recovery_codes[0])

    fresh = answer.json()["recovery_codes"]
    assert (answer.status_code, len(fresh)) == (200, 10)
    assert login(guarded, guarded.recovery_codes[1]).status_code == 401
    assert login(guarded, fresh[0]).status_code == 200


@pytest.mark.abuse("AUTH-10")
@pytest.mark.parametrize("path", [DISABLE, RECOVERY])
@pytest.mark.parametrize(
    ("proof", "code"),
    [
        ({}, "invalid"),
        ({"password": PASSWORD}, "invalid"),
        ({"password": PASSWORD, "code": "abc"}, "bad_code"),
        ({"password": "wrong", "code": "right"}, "wrong_password"),
    ],
    ids=str,
)
def test_nothing_changes_about_it_without_password_and_code(guarded, clock, path, proof, code):
    client = bearing(login(guarded, code_of(guarded)).json()["access_token"])
    clock.shift(STEP)
    before = TotpDevice.objects.values().get()
    given = {**proof, "code": code_of(guarded)} if proof.get("code") == "right" else proof

    answer = client.post(path, given, format="json")

    after = TotpDevice.objects.values().get()
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert (after["secret"], after["recovery_digests"]) == (before["secret"], before["recovery_digests"])
    assert User.objects.get(pk=guarded.pk).mfa_enabled


@pytest.mark.abuse("AUTH-10")
def test_no_other_door_takes_it_away(guarded):
    client = bearing(login(guarded, code_of(guarded)).json()["access_token"])

    for path in (ME, "/api/auth/password"):
        client.patch(path, {"mfa_enabled": False}, format="json")

    assert User.objects.get(pk=guarded.pk).mfa_enabled


@pytest.mark.abuse("AUTH-10")
def test_turning_it_off_ends_every_sign_in_and_the_password_is_enough_again(guarded, clock):
    tokens = login(guarded, code_of(guarded)).json()
    clock.shift(STEP)

    answer = post(bearing(tokens["access_token"]), DISABLE, password=PASSWORD, code=code_of(guarded))

    assert answer.status_code == 200
    assert bearing(tokens["access_token"]).get(ME).status_code == 401
    assert bearing(answer.json()["access_token"]).get(ME).json()["mfa_enabled"] is False
    assert login(guarded).status_code == 200
    assert not TotpDevice.objects.exists()


@pytest.mark.abuse("AUTH-04")
def test_no_second_app_can_be_set_up_beside_the_first(guarded):
    client = bearing(login(guarded, code_of(guarded)).json()["access_token"])
    before = TotpDevice.objects.values().get()

    for path in (SETUP, VERIFY):
        answer = post(client, path, code="123456")
        assert (answer.status_code, answer.json()["code"]) == (400, "mfa_already_on")

    assert TotpDevice.objects.values().get() == before


@pytest.mark.abuse("AUTH-04")
def test_an_app_that_was_not_confirmed_opens_nothing(user):
    mfa.set_up(actor=user)
    User.objects.filter(pk=user.pk).update(mfa_enabled=True)

    answer = login(user, code_of(user))

    assert answer.status_code == 400
    assert not SignIn.objects.exists()


@pytest.mark.abuse("AUTH-04")
def test_the_device_that_was_proved_is_the_one_that_is_turned_on(user, monkeypatch):
    """Another secret, set up between proof and confirmation, must not become the second factor."""
    mfa.set_up(actor=user)
    proved = mfa._prove

    def prove(*args, **options):
        device = proved(*args, **options)
        mfa.set_up(actor=user)
        return device

    monkeypatch.setattr(mfa, "_prove", prove)
    answer = post(api(user), VERIFY, code=code_of(user))

    assert answer.status_code == 400
    assert not TotpDevice.objects.filter(confirmed=True).exists()
    assert not User.objects.get(pk=user.pk).mfa_enabled


def test_changes_are_in_the_audit_log_with_their_actor(guarded):
    rows = AuditLog.objects.filter(table_name__in=["users", "totp_devices"]).values_list(
        "table_name", "action", "new_values", "user_id"
    )

    assert ("totp_devices", "UPDATE", {"confirmed": True}, guarded.pk) in rows
    assert ("users", "UPDATE", {"mfa_enabled": True}, guarded.pk) in rows


@pytest.fixture
def demanded(settings):
    settings.MFA_REQUIRED_ROLES = frozenset({"ADMIN"})


@pytest.mark.abuse("AUTHZ-09")
def test_a_role_that_must_have_it_has_no_right_until_then(demanded, db):
    admin = make_user(Role.ADMIN)
    client = api(admin)

    answer = client.get("/api/products")

    assert (answer.status_code, answer.json()["code"]) == (403, "mfa_setup_required")
    assert not any(admin.may(right) for right in Right)
    assert client.get(ME).status_code == 200


def test_a_role_that_must_have_it_can_set_it_up_and_has_its_rights_then(demanded, db):
    admin = make_user(Role.ADMIN)
    client = api(admin)
    post(client, SETUP)

    answer = post(client, VERIFY, code=code_of(admin))

    assert bearing(answer.json()["access_token"]).get("/api/products").status_code == 200


def test_other_roles_need_none(demanded, user):
    assert api(user).get("/api/products").status_code == 200


@pytest.mark.abuse("AUTH-13")
def test_an_administrator_takes_a_lost_one_away_and_everything_signed_in_ends(guarded):
    tokens = login(guarded, code_of(guarded)).json()

    mfa.reset(guarded.pk, actor=make_user())

    assert bearing(tokens["access_token"]).get(ME).status_code == 401
    assert login(guarded).status_code == 200
    assert AuditLog.objects.filter(table_name="totp_devices", action="DELETE").count() == 1


@pytest.mark.abuse("AUTH-33")
def test_a_password_set_by_an_administrator_signs_nobody_in_and_leaves_the_second_factor(guarded):
    users.set_password(guarded.pk, "another good battery", actor=make_user())

    answer = login(guarded, password="another good battery")

    assert (answer.status_code, answer.json()["code"]) == (401, "mfa_required")
    assert not SignIn.objects.filter(user=guarded).exists()


@pytest.mark.abuse("AUTH-03")
def test_nothing_breaks_over_the_token_of_somebody_with_a_second_factor(guarded):
    """django-otp knows sessions only: asking a token's user whether they are verified would be a crash."""
    client = bearing(login(guarded, code_of(guarded)).json()["access_token"])

    found = {path: client.get(path.replace("999", "1")).status_code for path in ACCESS if "GET" in ACCESS[path]}

    assert set(found.values()) == {200, 404}
    assert {found["/api/auth/me"], found["/api/products"], found["/api/audit-log"]} == {200}


def test_keys_are_rotated_and_the_old_one_can_go(guarded, settings):
    old, new = settings.DB_ENCRYPTION_KEYS[0], "bmV3LWtleS1uZXcta2V5LW5ldy1rZXktbmV3LWtleSE="
    secret = TotpDevice.objects.get().reveal_secret()

    settings.DB_ENCRYPTION_KEYS = [new, old]
    assert mfa.encrypt_with_newest_key() == 1
    assert mfa.encrypt_with_newest_key() == 0
    settings.DB_ENCRYPTION_KEYS = [new]

    assert TotpDevice.objects.get().reveal_secret() == secret
    row = AuditLog.objects.latest("pk")
    assert (row.table_name, row.action, row.new_values) == (
        "totp_devices",
        "UPDATE",
        {"secret": "(encrypted with the newest key)"},
    )


def test_a_value_whose_key_is_gone_is_not_rotated_away(guarded, settings):
    stored = TotpDevice.objects.get().secret
    settings.DB_ENCRYPTION_KEYS = ["bmV3LWtleS1uZXcta2V5LW5ldy1rZXktbmV3LWtleSE="]

    with pytest.raises(Undecryptable):
        mfa.encrypt_with_newest_key()

    assert TotpDevice.objects.get().secret == stored
    with pytest.raises(Undecryptable):
        encryption.decrypt(stored, bound_to=f"totp_devices:{guarded.pk}")


@pytest.mark.abuse("AUTH-10")
def test_people_are_told_by_mail_once_it_has_happened(user, mailoutbox, django_capture_on_commit_callbacks):
    mfa.set_up(actor=user)

    with django_capture_on_commit_callbacks(execute=True):
        mfa.enable(code_of(user), actor=user)
        told_early = list(mailoutbox)

    assert told_early == []
    assert [(mail.to, mail.subject) for mail in mailoutbox] == [
        (["mei@example.net"], "A second factor was turned on for your Godown account.")
    ]


def test_a_queue_that_is_down_does_not_fail_what_has_been_done(guarded):
    mfa.reset(guarded.pk, actor=guarded)

    assert [robust for _, _, robust in connection.run_on_commit][-1:] == [True]
