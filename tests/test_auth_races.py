"""Signing in many times at once, behind the real server with several processes, on PostgreSQL and Redis."""

from collections import Counter

import httpx
import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from accounts.models import SignIn, TotpDevice
from accounts.rights import Role
from accounts.services import authentication, mfa, users
from tests.codes import code_of
from tests.conftest import bearing
from tests.factories import PASSWORD, make_user
from tests.live import server
from tests.test_races import at_once, kinds

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
User = get_user_model()


def send(address, path, body, **headers):
    return httpx.post(f"{address}{path}", json=body, headers=headers, timeout=60)


def opens(token):
    return bearing(token).get("/api/auth/me").status_code


def statuses(answers):
    return Counter(answer.status_code for answer in answers)


@pytest.fixture
def guarded():
    """A user with the second factor on, and their recovery codes."""
    user = make_user(Role.STAFF)
    mfa.set_up(actor=user)
    codes = mfa.enable(code_of(user), actor=user)
    return User.objects.get(pk=user.pk), codes


@pytest.mark.abuse("AUTH-17")
def test_a_refresh_token_used_12_times_at_once_gives_one_new_pair():
    refresh = authentication.begin(actor=make_user()).refresh

    with server(workers=4) as running:
        answers = at_once(12, lambda _: send(running.address, "/api/auth/refresh", {"refresh_token": refresh}))

    assert statuses(answers) == {200: 1, 401: 11}


@pytest.mark.abuse("AUTH-06")
def test_one_code_used_10_times_at_once_signs_in_once(guarded):
    user, _ = guarded
    body = {"email": user.email, "password": PASSWORD, "code": code_of(user, step=1)}

    with server(workers=4) as running:
        answers = at_once(10, lambda _: send(running.address, "/api/auth/login", body))

    assert statuses(answers)[200] == 1
    assert set(statuses(answers)) <= {200, 401, 429}
    assert SignIn.objects.filter(user=user).count() == 1


@pytest.mark.abuse("AUTH-09")
def test_one_recovery_code_used_8_times_at_once_signs_in_once(guarded):
    user, codes = guarded
    body = {"email": user.email, "password": PASSWORD, "code": codes[0]}

    with server(workers=4) as running:
        answers = at_once(8, lambda _: send(running.address, "/api/auth/login", body))

    assert statuses(answers) == {200: 1, 401: 7}
    assert len(TotpDevice.objects.get(user=user).recovery_digests) == 9


def test_the_second_factor_turned_on_8_times_at_once_is_turned_on_once():
    user = make_user(Role.STAFF)
    mfa.set_up(actor=user)
    code = code_of(user)

    results = at_once(8, lambda _: mfa.enable(code, actor=user))

    assert kinds(results)["list"] == 1
    assert TotpDevice.objects.get().confirmed
    assert len(TotpDevice.objects.get().recovery_digests) == 10


@pytest.mark.abuse("AUTH-29")
def test_10_registrations_at_once_on_an_empty_database_make_no_administrator():
    with server(workers=4) as running:
        answers = at_once(
            10,
            lambda number: send(
                running.address,
                "/api/auth/register",
                {"email": f"user{number % 5}@example.net", "password": "another good battery"},
            ),
        )

    assert statuses(answers) == {201: 10}
    assert Counter(User.objects.values_list("role", flat=True)) == {"STAFF": 5}


def test_two_administrators_who_demote_each_other_at_once_leave_one():
    for _ in range(5):
        User.objects.filter(role=Role.ADMIN).update(role=Role.STAFF)
        pair = [make_user(Role.ADMIN), make_user(Role.ADMIN)]

        results = at_once(2, lambda i, pair=pair: users.change(pair[1 - i].pk, role=Role.STAFF, actor=pair[i]))

        assert kinds(results) == {"User": 1, "LastAdmin": 1}
        assert User.objects.active_admins().count() == 1


@pytest.mark.abuse("RATE-05")
def test_of_40_sign_ins_at_once_behind_all_workers_exactly_the_limit_is_looked_at():
    with server(workers=4, RATE_LIMIT_AUTH="5/h") as running:
        answers = at_once(
            40, lambda _: send(running.address, "/api/auth/login", {"email": "x@example.net", "password": "guess"})
        )

    assert statuses(answers) == {401: 5, 429: 35}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers if answer.status_code == 429)


@pytest.mark.abuse("RATE-02", "AUTH-25")
def test_made_up_addresses_and_other_accounts_do_not_widen_the_door():
    def guess(number):
        fake = f"6.6.6.{number}"
        headers = {
            "X-Forwarded-For": fake,
            "X-Real-IP": fake,
            "Forwarded": f"for={fake}",
            "X-Client-IP": fake,
            "True-Client-IP": fake,
        }
        body = {"email": f"user{number}@example.net", "password": "guess"}
        return send(running.address, "/api/auth/login", body, **headers)

    with server(workers=2, RATE_LIMIT_AUTH="5/h") as running:
        answers = [guess(number) for number in range(8)]

    assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 3


@pytest.mark.abuse("AUTH-25")
def test_many_addresses_that_try_one_account_are_slowed_down_too():
    def guess(number):
        headers = {"X-Forwarded-For": f"203.0.113.{number}"}
        body = {"email": "Mei@example.net" if number % 2 else "mei@example.net ", "password": "guess"}
        return send(running.address, "/api/auth/login", body, **headers)

    with server(workers=2, RATE_LIMIT_AUTH="1/h", TRUSTED_PROXIES="127.0.0.1") as running:
        answers = [guess(number) for number in range(24)]

    assert [answer.status_code for answer in answers] == [401] * 20 + [429] * 4


@pytest.mark.abuse("AUTH-22", "AUTH-17")
def test_sign_ins_that_are_refreshed_while_the_password_changes_are_dead_afterwards():
    def act(number):
        if number == 0:
            body = {"current_password": PASSWORD, "new_password": "another good battery"}
            return send(running.address, "/api/auth/password", body, Authorization=f"Bearer {pairs[0].access}")
        return send(running.address, "/api/auth/refresh", {"refresh_token": pairs[number].refresh})

    with server(workers=4) as running:
        for _ in range(4):
            user = make_user(Role.STAFF)
            pairs = [authentication.begin(actor=user) for _ in range(6)]
            changed, *refreshed = at_once(6, act)
            fresh = [answer.json()["access_token"] for answer in refreshed if answer.status_code == 200]

            assert changed.status_code == 200
            assert [opens(token) for token in fresh] == [401] * len(fresh)
            assert opens(changed.json()["access_token"]) == 200
            assert SignIn.objects.filter(user=user).count() == 1


@pytest.mark.abuse("AUTH-23", "AUTH-17")
def test_a_sign_in_that_is_refreshed_while_it_is_ended_is_dead_afterwards():
    def act(number):
        if number == 0:
            return send(running.address, "/api/auth/logout", {}, Authorization=f"Bearer {pair.access}")
        return send(running.address, "/api/auth/refresh", {"refresh_token": pair.refresh})

    with server(workers=4) as running:
        for _ in range(6):
            pair = authentication.begin(actor=make_user(Role.STAFF))
            ended, refreshed = at_once(2, act)

            assert ended.status_code == 204
            assert refreshed.status_code == 401 or opens(refreshed.json()["access_token"]) == 401
            assert not SignIn.objects.exists()


@pytest.mark.abuse("AUTH-04")
def test_a_second_factor_set_up_8_times_at_once_leaves_one_secret():
    user = make_user(Role.STAFF)

    made = at_once(8, lambda _: mfa.set_up(actor=user))

    assert TotpDevice.objects.get(user=user).reveal_secret() in {one.secret for one in made}


@pytest.mark.abuse("INT-09")
def test_of_a_key_rotated_6_times_at_once_one_is_left_that_opens():
    shop, first = users.create_service("shop@example.net", actor=None)

    made = at_once(6, lambda _: users.rotate_service_key(shop.pk, now=timezone.now(), actor=None))

    assert Counter(bearing(key).get("/api/inventory").status_code for key in (first, *made)) == {401: 6, 200: 1}
