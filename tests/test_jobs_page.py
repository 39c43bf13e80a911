"""The page that tells when each job last ran, and the same over HTTP."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from accounts.rights import Role
from planning.models import JobRun
from planning.services import job_runs
from tests.browser import signed_in
from tests.factories import make_user

NOW = datetime(2026, 6, 15, 5, tzinfo=UTC)
SYNC = "purchasing.tasks.sync_wise"

pytestmark = [pytest.mark.django_db, pytest.mark.time_machine(NOW, tick=False)]


def page(role=Role.STAFF):
    return signed_in(make_user(role)).get("/jobs")


def row_of(response, name):
    (row,) = (row for row in re.findall(r"<tr>.*?</tr>", response.content.decode(), re.DOTALL) if name in row)
    return " ".join(re.sub(r"<[^>]+>", " ", row).split())


def ran(*, ago, outcome=JobRun.Outcome.SUCCEEDED, detail=""):
    job_runs.started(SYNC, now=NOW - ago)
    job_runs.ended(SYNC, now=NOW - ago, outcome=outcome, detail=detail)


def test_the_page_lists_every_job_also_those_that_never_ran():
    response = page()

    assert response.status_code == 200
    for name in ("check_ledger", "clean_up", "heartbeat", "sync_wise", "check_stock"):
        assert "Not yet" in row_of(response, name)


def test_a_row_tells_what_a_job_does_when_it_ran_and_when_it_comes_in_local_time():
    ran(ago=timedelta(minutes=10))

    text = row_of(page(), SYNC)
    assert text.startswith("Every hour:")
    assert "15 Jun 2026, 11:50:00" in text
    assert text.endswith("15 Jun 2026, 12:17")
    assert " OK " in text


def test_a_failure_says_why_and_when_it_last_went_well():
    ran(ago=timedelta(hours=2))
    ran(ago=timedelta(hours=1), outcome=JobRun.Outcome.FAILED, detail="Unreachable: Wise <b>is</b> down.")

    response = page()
    text = row_of(response, SYNC)
    assert "Failed" in text
    assert "Last went well 15 Jun 2026, 10:00:00" in text
    assert b"Wise &lt;b&gt;is&lt;/b&gt; down." in response.content


@pytest.mark.parametrize(
    ("role", "status"), [(Role.ADMIN, 200), (Role.STAFF, 200), (Role.BUYER, 403), (Role.VIEWER, 403)]
)
def test_the_page_and_its_link_are_for_the_office(role, status):
    response = page(role)

    assert response.status_code == status
    account = signed_in(make_user(role)).get("/account").content
    assert (b'href="/jobs"' in account) == (status == 200)


def test_the_page_needs_no_script_and_asks_once_however_many_jobs_there_are(django_assert_max_num_queries):
    client = signed_in(make_user(Role.STAFF))
    with django_assert_max_num_queries(3):
        response = client.get("/jobs")
    assert b"<script" not in response.content


def test_the_same_is_told_over_http(as_role):
    ran(ago=timedelta(minutes=10), outcome=JobRun.Outcome.FAILED, detail="Unavailable: Down.")

    rows = as_role(Role.STAFF).get("/api/planning/jobs").json()

    assert [row["due"] for row in rows] == sorted(row["due"] for row in rows)
    (row,) = (row for row in rows if row["name"] == SYNC)
    assert row == {
        "name": SYNC,
        "description": row["description"],
        "state": "FAILED",
        "started_at": "2026-06-15T11:50:00+07:00",
        "ended_at": "2026-06-15T11:50:00+07:00",
        "last_succeeded_at": None,
        "detail": "Unavailable: Down.",
        "due": "2026-06-15T12:17:00+07:00",
    }
    assert as_role(Role.BUYER).get("/api/planning/jobs").status_code == 403
