"""The security log: what was tried, one line of JSON each, without a secret."""

import json
import logging

import pytest
from rest_framework.test import APIClient

from accounts.models import AuditLog
from accounts.rights import Role
from accounts.services import authentication, users
from core import security_log
from tests.conftest import api, bearing
from tests.factories import PASSWORD, make_user

AGENT = 'curl/8"\n{"event":"forged"}'


@pytest.fixture
def user(db):
    return make_user(Role.VIEWER, email="mei@example.net")


def log_in(email, password, **headers):
    return APIClient().post("/api/auth/login", {"email": email, "password": password}, format="json", **headers)


@pytest.mark.abuse("AUTH-34")
def test_a_sign_in_tells_who_and_from_where(user, told):
    log_in(user.email, PASSWORD, REMOTE_ADDR="203.0.113.5", HTTP_USER_AGENT="curl/8")

    (event,) = told()
    assert {name: event[name] for name in ("event", "user_id", "ip_address", "user_agent", "door")} == {
        "event": "signed_in",
        "user_id": user.pk,
        "ip_address": "203.0.113.5",
        "user_agent": "curl/8",
        "door": "api",
    }
    user.refresh_from_db()
    assert user.last_login is not None


@pytest.mark.abuse("AUTH-34", "AUD-09")
def test_a_refused_sign_in_is_told_although_nothing_was_written(user, told):
    log_in(user.email, "guess-of-mine")
    log_in("nobody@example.net", "guess-of-mine")

    events = told()
    assert [(event["event"], event["user_id"], event["reason"]) for event in events] == [
        ("sign_in_refused", user.pk, "password"),
        ("sign_in_refused", None, "password"),
    ]
    assert "guess-of-mine" not in json.dumps(events)


@pytest.mark.abuse("AUD-09", "AUTHZ-01")
def test_a_refused_right_is_told(user, told):
    client = api(user)
    told()

    client.post("/api/products", {}, format="json")

    (event,) = told()
    assert (event["event"], event["user_id"], event["right"], event["path"]) == (
        "right_refused",
        user.pk,
        "change_catalogue",
        "/api/products",
    )


@pytest.mark.abuse("AUTH-18")
def test_a_reused_refresh_token_is_told_and_no_token_is(user, told):
    first = authentication.begin(actor=user)
    second = authentication.refresh(first.refresh)
    told()

    APIClient().post("/api/auth/refresh", {"refresh_token": first.refresh}, format="json")

    (event,) = told()
    assert (event["event"], event["user_id"]) == ("refresh_token_reused", user.pk)
    assert bearing(second.access).get("/api/auth/me").status_code == 401


@pytest.mark.abuse("AUD-09")
def test_a_spent_limit_is_told(db, told, settings):
    settings.RATE_LIMIT_AUTH = "1/h"
    log_in("a@example.net", "x")
    told()

    log_in("a@example.net", "x", REMOTE_ADDR="203.0.113.5")
    log_in("a@example.net", "x", REMOTE_ADDR="203.0.113.5")

    assert [(event["event"], event.get("limit")) for event in told()][-1] == ("limit_reached", "auth")


def test_a_user_agent_cannot_forge_a_line(user, told):
    log_in(user.email, "guess", HTTP_USER_AGENT=AGENT)

    (event,) = told()
    assert (event["event"], event["user_agent"]) == ("sign_in_refused", AGENT)


@pytest.mark.abuse("AUTH-22")
def test_changed_credentials_are_told_without_them(user, told):
    client = api(user)
    told()

    client.post(
        "/api/auth/password",
        {"current_password": PASSWORD, "new_password": "another good battery"},
        format="json",
    )

    events = told()
    assert [event["event"] for event in events] == ["credentials_ended", "signed_in"]
    assert "battery" not in json.dumps(events)


def test_a_service_key_is_told_by_its_account_only(admin, told):
    _, key = users.create_service("shopee@example.net", actor=admin)

    events = told()
    assert [(event["event"], event["user_id"], event["account"]) for event in events] == [
        ("service_key_made", admin.pk, "shopee@example.net")
    ]
    assert key not in json.dumps([*events, *AuditLog.objects.values()], default=str)


@pytest.mark.abuse("WEB-10")
def test_what_django_finds_suspicious_is_one_line_too_and_no_traceback():
    record = logging.LogRecord("django.security.DisallowedHost", logging.ERROR, "", 0, "Invalid\nhost", None, None)
    record.exc_info = (ValueError, ValueError("x"), None)

    line = security_log.OneLine().format(record)

    event = json.loads(line)
    assert "\n" not in line
    assert (event["event"], event["kind"], event["detail"]) == ("suspicious_request", "DisallowedHost", "Invalid\nhost")


def test_a_fact_that_is_no_sound_text_breaks_nothing(told):
    security_log.event("sign_in_refused", path="\ud800\x00")

    assert [event["path"] for event in told()] == ["\ud800\x00"]
