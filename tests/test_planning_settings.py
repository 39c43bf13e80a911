"""The settings that the office may change: typed, bounded, and never able to stop the planner."""

import logging
from dataclasses import asdict, fields
from decimal import Decimal

import pytest

from accounts.models import AuditLog
from accounts.rights import Role
from planning.errors import BadSetting, SettingNotFound
from planning.models import Setting
from planning.services import settings as service
from planning.settings import KEYS, Values, values

URL = "/api/planning/settings"
DEFAULTS = {
    "service_level": Decimal("0.95"),
    "review_period_days": 7,
    "transit_days": 12,
    "customs_days": 5,
    "lead_time_sigma_days": 8,
    "factory_country": "CN",
    "plan_horizon_days": 180,
}

pytestmark = pytest.mark.django_db


def put(client, key, value):
    return client.put(f"{URL}/{key}", {"value": value}, format="json")


def shown(client, key):
    return client.get(f"{URL}/{key}").json()


def test_every_value_has_its_key():
    assert [field.name for field in fields(Values)] == list(KEYS)
    assert all(key.description for key in KEYS.values())


def test_without_rows_everything_says_its_default_in_one_query(django_assert_num_queries):
    with django_assert_num_queries(1):
        assert asdict(values()) == DEFAULTS
    assert not Setting.objects.exists()


def test_every_default_is_one_that_may_be_set():
    assert {key.name: key.read(str(key.default)) for key in KEYS.values()} == DEFAULTS


def test_what_was_set_is_said_by_its_own_type(admin):
    for key, text in (("service_level", "0.9"), ("transit_days", "20"), ("factory_country", "VN")):
        service.change(key, value=text, actor=admin)

    now = values()
    assert (now.service_level, now.transit_days, now.factory_country) == (Decimal("0.9"), 20, "VN")
    assert now.customs_days == 5


@pytest.mark.parametrize(
    ("key", "allowed", "refused"),
    [
        ("service_level", ("0.8", "0.99"), ("0.7999", "0.9901")),
        ("review_period_days", ("1", "90"), ("0", "91")),
        ("transit_days", ("0", "120"), ("-1", "121")),
        ("customs_days", ("0", "60"), ("-1", "61")),
        ("lead_time_sigma_days", ("0", "90"), ("-1", "91")),
        ("plan_horizon_days", ("30", "365"), ("29", "366")),
    ],
)
def test_a_setting_keeps_within_its_bounds(admin, key, allowed, refused):
    for text in allowed:
        service.change(key, value=text, actor=admin)
    for text in refused:
        with pytest.raises(BadSetting):
            service.change(key, value=text, actor=admin)

    assert Setting.objects.get().value == allowed[-1]


@pytest.mark.parametrize("text", ["", "x", "1e-1", "NaN", "0,95", "0.95000", "٠.٩", "1" * 400, "0.9\n"])
def test_what_is_no_number_is_refused(admin, text):
    with pytest.raises(BadSetting):
        service.change("service_level", value=text, actor=admin)
    assert not Setting.objects.exists()


@pytest.mark.parametrize("text", ["cn", "CHN", "C", "", "C1", "CN\n"])
def test_what_is_no_country_is_refused(admin, text):
    with pytest.raises(BadSetting):
        service.change("factory_country", value=text, actor=admin)


@pytest.mark.parametrize("text", ["abc", "9999", "12.5", ""])
def test_a_stored_value_that_is_not_valid_is_told_and_the_default_holds(caplog, text):
    Setting.objects.create(key="transit_days", value=text)

    assert values().transit_days == 12
    assert [(record.name, record.levelno) for record in caplog.records] == [("godown.planning", logging.WARNING)]
    assert "transit_days" in caplog.text


def test_a_row_that_is_no_setting_changes_nothing():
    Setting.objects.create(key="nothing", value="1")

    assert asdict(values()) == DEFAULTS


def test_an_unknown_setting_cannot_be_set(admin):
    with pytest.raises(SettingNotFound):
        service.change("nothing", value="1", actor=admin)
    assert not Setting.objects.exists()


def test_the_list_tells_what_each_setting_says_and_may_say(client_api):
    put(client_api, "transit_days", 20)

    rows = {row["key"]: row for row in client_api.get(URL).json()}

    assert list(rows) == list(DEFAULTS)
    assert rows["transit_days"] == {
        "key": "transit_days",
        "value": 20,
        "type": "integer",
        "default": 12,
        "minimum": 0,
        "maximum": 120,
        "description": KEYS["transit_days"].description,
    }
    level = rows["service_level"]
    assert (level["value"], level["minimum"], level["maximum"], level["type"]) == (0.95, 0.8, 0.99, "decimal")
    country = rows["factory_country"]
    assert (country["value"], country["minimum"], country["maximum"], country["type"]) == ("CN", None, None, "country")


@pytest.mark.parametrize(("given", "value"), [(14, 14), ("14", 14), (" 14 ", 14)])
def test_a_number_may_be_sent_as_such_or_as_text(client_api, given, value):
    response = put(client_api, "transit_days", given)

    assert (response.status_code, response.json()["value"]) == (200, value)
    assert values().transit_days == value


@pytest.mark.parametrize("given", [None, True, [], {}, 14.5, "x", -1, 10**30, 1e300])
def test_anything_else_is_a_400_and_writes_nothing(client_api, given):
    assert put(client_api, "transit_days", given).status_code == 400
    assert client_api.put(f"{URL}/transit_days", {}, format="json").status_code == 400
    assert not Setting.objects.exists()


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_an_unknown_key_is_a_404_that_names_the_known(client_api, method):
    response = getattr(client_api, method)(f"{URL}/nothing", {"value": "1"}, format="json")

    assert (response.status_code, response.json()["code"]) == (404, "setting_not_found")
    assert "service_level" in response.json()["detail"]


def test_deleting_a_setting_has_it_say_its_default_again(client_api):
    put(client_api, "transit_days", 20)

    first = client_api.delete(f"{URL}/transit_days")
    second = client_api.delete(f"{URL}/transit_days")

    assert [(answer.status_code, answer.json()["value"]) for answer in (first, second)] == [(200, 12), (200, 12)]
    assert not Setting.objects.exists()


def test_a_change_is_audited_with_both_values_and_no_change_is_not(client_api, admin):
    put(client_api, "transit_days", 20)
    put(client_api, "transit_days", 21)
    put(client_api, "transit_days", "21")

    rows = AuditLog.objects.filter(table_name="settings").order_by("id")
    assert [(row.action, (row.new_values or {}).get("value"), row.user_id) for row in rows] == [
        ("CREATE", "20", admin.pk),
        ("UPDATE", "21", admin.pk),
    ]
    assert rows[1].old_values == {"value": "20"}


def test_a_buyer_reads_settings_and_changes_none(as_role):
    client = as_role(Role.BUYER)

    assert shown(client, "transit_days")["value"] == 12
    assert put(client, "transit_days", 20).status_code == 403
    assert client.delete(f"{URL}/transit_days").status_code == 403
    assert not Setting.objects.exists()
