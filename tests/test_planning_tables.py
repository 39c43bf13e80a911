"""Seasons, holidays and alerts over HTTP: who sets them, what is refused, what is written."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from accounts.models import AuditLog
from accounts.rights import Role
from planning.models import Holiday, Notification, SeasonalityFactor
from planning.services import calendar
from tests.factories import make_product
from tests.planning_factories import make_holiday, make_notification

SEASONS, HOLIDAYS, ALERTS = (f"/api/planning/{name}" for name in ("seasonality", "holidays", "notifications"))
NOW = datetime(2026, 6, 15, 5, tzinfo=UTC)
CLOSURE = {
    "country": "CN",
    "holiday_name": "Chinese New Year",
    "start_date": "2027-01-23",
    "end_date": "2027-02-21",
    "type": "FACTORY_CLOSURE",
}

pytestmark = pytest.mark.django_db


def set_months(client, *months, method="put"):
    body = {"months": [{"month": month, "multiplier": multiplier} for month, multiplier in months]}
    return getattr(client, method)(SEASONS, body, format="json")


def year(client):
    return {row["month"]: row["multiplier"] for row in client.get(SEASONS).json()}


def names(client, query=""):
    response = client.get(f"{HOLIDAYS}{query}")
    assert response.status_code == 200
    return [row["holiday_name"] for row in response.json()["results"]]


def told(table):
    rows = AuditLog.objects.filter(table_name=table).order_by("id")
    return [(row.action, row.old_values, row.new_values) for row in rows]


# Seasons


def test_a_year_that_nobody_set_is_average(client_api):
    assert year(client_api) == dict.fromkeys(range(1, 13), 1)
    assert not SeasonalityFactor.objects.exists()


@pytest.mark.parametrize("method", ["put", "patch"])
def test_all_twelve_months_are_set_at_once(client_api, method):
    multipliers = {month: round(0.4 + month / 10, 1) for month in range(1, 13)}

    response = set_months(client_api, *multipliers.items(), method=method)

    assert response.status_code == 200
    assert year(client_api) == multipliers
    assert {row["month"]: row["multiplier"] for row in response.json()} == year(client_api)


def test_setting_a_year_costs_as_many_statements_as_setting_a_month(admin, django_assert_num_queries):
    for multiplier, months in enumerate((range(1, 2), range(1, 13), range(1, 13)), start=1):
        with django_assert_num_queries(5):  # begin, lock, write, audit, commit
            calendar.set_seasonality(dict.fromkeys(months, Decimal(multiplier)), actor=admin)
    with django_assert_num_queries(3):  # begin, lock, commit
        calendar.set_seasonality(dict.fromkeys(months, Decimal(multiplier)), actor=admin)


def test_the_months_that_are_not_named_stay(client_api):
    set_months(client_api, (1, 0.9), (12, 1.25))
    set_months(client_api, (12, 1.3))

    assert {month: factor for month, factor in year(client_api).items() if factor != 1} == {1: 0.9, 12: 1.3}


@pytest.mark.parametrize("method", ["put", "patch"])
def test_one_month_is_set_at_its_own_address(client_api, method):
    response = getattr(client_api, method)(f"{SEASONS}/5", {"multiplier": 1.125}, format="json")

    assert (response.status_code, response.json()) == (200, {"month": 5, "multiplier": 1.125})
    assert client_api.get(f"{SEASONS}/5").json() == {"month": 5, "multiplier": 1.125}


@pytest.mark.parametrize("month", [0, 13, 999_999])
def test_there_are_twelve_months(client_api, month):
    assert client_api.get(f"{SEASONS}/{month}").status_code == 404
    assert client_api.put(f"{SEASONS}/{month}", {"multiplier": 1}, format="json").status_code == 404
    assert set_months(client_api, (month, 1)).status_code == 400
    assert not SeasonalityFactor.objects.exists()


@pytest.mark.parametrize("multiplier", [0, -1, 0.009, 20.001, 1.2345, None, "x", True, "NaN", 1e300])
def test_a_multiplier_that_no_history_can_be_divided_by_is_refused(client_api, multiplier):
    assert set_months(client_api, (1, 1), (5, multiplier)).status_code == 400
    assert client_api.put(f"{SEASONS}/5", {"multiplier": multiplier}, format="json").status_code == 400
    assert not SeasonalityFactor.objects.exists()


@pytest.mark.parametrize("months", [[], [(5, 1), (5, 2)], [(number, 1) for number in range(1, 14)]])
def test_no_month_and_the_same_month_twice_are_refused(client_api, months):
    assert set_months(client_api, *months).status_code == 400
    assert not SeasonalityFactor.objects.exists()


def test_each_month_that_changes_is_audited_and_no_other(client_api):
    set_months(client_api, (1, 0.9), (2, 1.1))
    set_months(client_api, (1, 0.9), (2, 1.2))

    assert told("seasonality_factors") == [
        ("CREATE", None, {"month": 1, "multiplier": "0.900"}),
        ("CREATE", None, {"month": 2, "multiplier": "1.100"}),
        ("UPDATE", {"multiplier": "1.100"}, {"multiplier": "1.200"}),
    ]
    ids = AuditLog.objects.filter(table_name="seasonality_factors").values_list("record_id", flat=True)
    assert set(ids) == set(SeasonalityFactor.objects.values_list("pk", flat=True))


def test_a_viewer_reads_the_seasons_and_sets_none(as_role):
    assert set_months(as_role(Role.VIEWER), (1, 2)).status_code == 403
    assert year(as_role(Role.VIEWER))[1] == 1


# Holidays


def test_a_holiday_is_added_read_changed_and_removed(client_api):
    made = client_api.post(HOLIDAYS, CLOSURE, format="json")
    address = f"{HOLIDAYS}/{made.json()['id']}"

    assert made.status_code == 201
    assert {name: made.json()[name] for name in CLOSURE} == CLOSURE
    assert client_api.get(address).json() == made.json()
    changed = client_api.patch(address, {"end_date": "2027-02-25"}, format="json")
    assert (changed.status_code, changed.json()["end_date"]) == (200, "2027-02-25")
    assert changed.json()["start_date"] == "2027-01-23"
    assert client_api.delete(address).status_code == 204
    assert client_api.get(address).status_code == 404
    assert [action for action, _, _ in told("holidays")] == ["CREATE", "UPDATE", "DELETE"]


def test_put_changes_the_fields_given_like_patch(client_api):
    holiday = make_holiday()

    response = client_api.put(f"{HOLIDAYS}/{holiday.pk}", {"country": "VN"}, format="json")

    assert (response.status_code, response.json()["holiday_name"]) == (200, "Chinese New Year")
    assert told("holidays")[-1] == ("UPDATE", {"country": "CN"}, {"country": "VN"})


def test_closures_may_overlap(client_api):
    client_api.post(HOLIDAYS, CLOSURE, format="json")

    response = client_api.post(HOLIDAYS, {**CLOSURE, "holiday_name": "Power cuts"}, format="json")

    assert response.status_code == 201
    assert Holiday.objects.count() == 2


def test_the_same_holiday_twice_is_refused_when_added_and_when_changed(client_api):
    client_api.post(HOLIDAYS, CLOSURE, format="json")
    other = client_api.post(HOLIDAYS, {**CLOSURE, "country": "VN"}, format="json").json()["id"]

    again = client_api.post(HOLIDAYS, CLOSURE, format="json")
    turned = client_api.patch(f"{HOLIDAYS}/{other}", {"country": "CN"}, format="json")

    assert [(answer.status_code, answer.json()["code"]) for answer in (again, turned)] == [(400, "holiday_taken")] * 2
    assert sorted(Holiday.objects.values_list("country", flat=True)) == ["CN", "VN"]


@pytest.mark.parametrize(
    ("start", "end", "status"),
    [
        ("2027-01-23", "2027-01-23", 201),
        ("2027-01-23", "2027-01-22", 400),
        ("2027-01-01", "2028-01-01", 201),
        ("2027-01-01", "2028-01-02", 400),
        ("2026-12-31", "2027-01-01", 201),
    ],
)
def test_a_holiday_has_one_day_to_a_year(client_api, start, end, status):
    response = client_api.post(HOLIDAYS, {**CLOSURE, "start_date": start, "end_date": end}, format="json")

    assert response.status_code == status
    assert Holiday.objects.count() == (status == 201)


def test_a_change_may_not_turn_the_days_around(client_api):
    holiday = make_holiday()

    response = client_api.patch(f"{HOLIDAYS}/{holiday.pk}", {"end_date": "2026-02-09"}, format="json")

    assert (response.status_code, response.json()["code"]) == (400, "bad_period")
    holiday.refresh_from_db()
    assert holiday.end_date.isoformat() == "2026-02-23"


@pytest.mark.parametrize(
    "wrong",
    [
        {"country": "cn"},
        {"country": "CHN"},
        {"holiday_name": ""},
        {"holiday_name": "<b></b>"},
        {"holiday_name": "x" * 101},
        {"start_date": "2027-02-30"},
        {"start_date": "1027-02-03"},
        {"end_date": None},
        {"type": "PARTY"},
    ],
)
def test_what_is_no_holiday_is_refused_and_written_nowhere(client_api, wrong):
    response = client_api.post(HOLIDAYS, {**CLOSURE, **wrong}, format="json")

    assert response.status_code == 400
    assert list(response.json()["errors"]) == list(wrong)
    assert not Holiday.objects.exists()


def test_holidays_are_listed_by_their_first_day_and_filtered(client_api):
    client_api.post(HOLIDAYS, CLOSURE, format="json")
    turn = {"holiday_name": "Turn of the year", "start_date": "2026-12-30", "end_date": "2027-01-02"}
    client_api.post(HOLIDAYS, {**CLOSURE, **turn, "country": "TH", "type": "HIGH_DEMAND"}, format="json")

    assert names(client_api) == ["Turn of the year", "Chinese New Year"]
    assert names(client_api, "?country=CN") == ["Chinese New Year"]
    assert names(client_api, "?type=HIGH_DEMAND") == ["Turn of the year"]
    assert names(client_api, "?year=2026") == ["Turn of the year"]
    assert names(client_api, "?year=2027") == ["Turn of the year", "Chinese New Year"]
    assert names(client_api, "?year=2028") == []


@pytest.mark.parametrize("query", ["?year=x", "?year=99999", "?type=PARTY", "?kind=CN"])
def test_a_filter_that_makes_no_sense_is_refused(client_api, query):
    assert client_api.get(f"{HOLIDAYS}{query}").status_code == 400


def test_a_buyer_changes_holidays_and_a_viewer_does_not(as_role):
    assert as_role(Role.BUYER).post(HOLIDAYS, CLOSURE, format="json").status_code == 201
    address = f"{HOLIDAYS}/{Holiday.objects.get().pk}"

    assert as_role(Role.VIEWER).delete(address).status_code == 403
    assert as_role(Role.VIEWER).get(address).status_code == 200


# Alerts


def test_alerts_are_listed_newest_first_with_what_became_of_their_mail(client_api):
    product = make_product("LUMI-AAA")
    old = make_notification(product, status="SENT", sent_at=NOW, attempts=1)
    new = make_notification(product, last_error="The mail server is down.", attempts=3)

    rows = client_api.get(ALERTS).json()["results"]

    assert [row["id"] for row in rows] == [new.pk, old.pk]
    assert (rows[0]["internal_sku"], rows[0]["status"], rows[0]["attempts"]) == ("LUMI-AAA", "PENDING", 3)
    assert rows[0]["last_error"] == "The mail server is down."
    assert rows[1]["sent_at"].startswith("2026-06-15T")


def test_alerts_are_filtered_by_status_and_product(client_api):
    one, other = make_product(), make_product()
    sent = make_notification(one, status="SENT", sent_at=NOW)
    waits = make_notification(other)

    def found(query):
        return [row["id"] for row in client_api.get(f"{ALERTS}{query}").json()["results"]]

    assert found("?status=SENT") == [sent.pk]
    assert found("?status=PENDING") == [waits.pk]
    assert found(f"?product_id={one.pk}") == [sent.pk]
    assert found(f"?product_id={one.pk}&status=PENDING") == []
    assert client_api.get(f"{ALERTS}?status=LOST").status_code == 400


@pytest.mark.parametrize("method", ["post", "put", "patch"])
def test_nobody_writes_an_alert_by_hand(client_api, method):
    alert = make_notification(make_product())

    for path in (ALERTS, f"{ALERTS}/{alert.pk}"):
        assert getattr(client_api, method)(path, {"status": "SENT"}, format="json").status_code == 405
    alert.refresh_from_db()
    assert alert.status == "PENDING"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"status": "SENT", "sent_at": NOW - timedelta(hours=23, minutes=59)}, 400),
        ({"status": "SENT", "sent_at": NOW - timedelta(hours=24)}, 204),
        ({"status": "SENT"}, 400),
        ({"claimed_at": NOW - timedelta(minutes=1)}, 400),
        ({"claimed_at": NOW - timedelta(hours=24)}, 204),
        ({}, 204),
    ],
)
def test_an_alert_that_keeps_a_second_mail_away_cannot_be_deleted(as_role, time_machine, fields, status):
    time_machine.move_to(NOW, tick=False)
    alert = make_notification(make_product(), **fields)

    response = as_role(Role.STAFF).delete(f"{ALERTS}/{alert.pk}")

    assert response.status_code == status
    assert Notification.objects.filter(pk=alert.pk).exists() == (status == 400)
    assert [action for action, _, _ in told("notifications")] == ["CREATE"] + ["DELETE"] * (status == 204)


def test_a_buyer_deletes_no_alert(as_role):
    alert = make_notification(make_product())

    assert as_role(Role.BUYER).delete(f"{ALERTS}/{alert.pk}").status_code == 403
    assert Notification.objects.exists()


@pytest.mark.parametrize("path", [f"{HOLIDAYS}/999999", f"{ALERTS}/999999"])
def test_what_is_not_there_is_a_404(client_api, path):
    assert (client_api.get(path).status_code, client_api.delete(path).status_code) == (404, 404)
