"""manage.py backtest: what it reports, of files and of the database."""

import gzip
import os
import subprocess
import sys
from datetime import date, datetime, timedelta
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from planning.demand import LEVEL_SEASON, METHODS, History, accuracy
from tests.factories import make_product, sell

ROOT = Path(__file__).resolve().parents[1]
HEADER = "order_reference,internal_sku,quantity,unit_price_usd,sale_date\n"
FIRST = date(2025, 1, 1)
NAMES = [*(method.name for method in METHODS), "chosen"]


def run(*arguments, **options):
    """Run the command and return what it printed."""
    out = StringIO()
    call_command("backtest", *arguments, stdout=out, **options)
    return out.getvalue()


def table(text):
    """The figures by method, of the first table."""
    lines = text.split("method", 1)[1].splitlines()[1 : 1 + len(NAMES)]
    return {name: figures for name, *figures in map(str.split, lines)}


@pytest.fixture
def steady(tmp_path):
    """One sale of four units a day for 200 days, one cancellation, and lines that are none."""
    lines = [f"A{day},LUMI-KIT1,4,2.00,{FIRST + timedelta(days=day)} 08:00:00\n" for day in range(200)]
    lines += [f"B1,LUMI-KIT1,74215,2.00,{FIRST + timedelta(days=90)}\n", "X1,POST,1,9.00,2025-02-01\n"]
    lines += [f"CB1,LUMI-KIT1,-74215,2.00,{FIRST + timedelta(days=90)}\n", "X2,LUMI-KIT1,0,9.00,2025-02-01\n"]
    path = tmp_path / "sales.csv"
    path.write_text(HEADER + "".join(lines))
    return path


def a_history(units):
    shape = np.shape(units)
    return History(FIRST, np.array(units, np.int32), np.ones(shape, bool), np.zeros(shape[0], np.int32))


def test_a_file_is_reported_on_without_a_database(steady):
    told = run("--file", str(steady))

    assert "204 lines read, 2 of them no sale of a product" in told
    assert "1 products, 2025-01-01 to 2025-07-19 (200 days)" in told
    assert "30 days ahead" in told
    assert "90 days ahead, from 2025-03-26, 2025-04-20" not in told
    assert list(table(told)) == NAMES
    # Four a day, every day: nobody errs, and repeating the last week does not either, so there is no scale.
    assert table(told)["velocity_90"] == ["0.000", "nan", "+0.0%", "100.0%"]
    assert table(told)["chosen"] == ["0.000", "nan", "+0.0%", "100.0%"]


def test_no_database_is_needed_for_a_file(steady):
    environment = {**os.environ, "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}
    command = [sys.executable, "manage.py", "backtest", "--file", str(steady), "--horizon", "30"]

    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)

    assert (done.returncode, done.stderr) == (0, "")
    assert "velocity_90" in done.stdout


def test_files_may_be_packed_repeated_and_have_other_headers(tmp_path):
    header = "Invoice,StockCode,Quantity,Price,InvoiceDate\n"
    lines = [f"A{day},1234{day % 2},3,1.5,{FIRST + timedelta(days=day)}\n" for day in range(240)]
    first, second = tmp_path / "first.csv.gz", tmp_path / "second.csv"
    first.write_bytes(gzip.compress((header + "".join(lines[:120])).encode()))
    second.write_text(header + "".join(lines[120:]))
    names = {
        "order_reference": "Invoice",
        "internal_sku": "StockCode",
        "quantity": "Quantity",
        "unit_price_usd": "Price",
        "sale_date": "InvoiceDate",
    }
    columns = [f"--column={name}={header}" for name, header in names.items()]

    told = run("--file", str(first), "--file", str(second), "--sku-pattern", r"\d{5}", *columns)

    assert "2 products, 2025-01-01 to 2025-08-28 (240 days)" in told


def test_origins_and_horizons_can_be_chosen(steady):
    told = run("--file", str(steady), "--horizon", "14", "--origins", "2", "--since", "2025-06-20")

    assert "14 days ahead, from 2025-07-06\n" in told
    assert "30 days ahead" not in told


def test_a_short_history_is_said_to_be_short(steady):
    told = run("--file", str(steady), "--days", "60")

    assert told.count("too little history") == 2
    assert "nan" not in told


@pytest.mark.parametrize("text", [HEADER, HEADER + "A1,POST,1,2.00,2025-01-01\n"])
def test_a_file_without_sales_says_so(tmp_path, text):
    path = tmp_path / "none.csv"
    path.write_text(text)

    assert "There are no sales to learn from." in run("--file", str(path))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"sku,units\nA,1\n", "no column for"),
        (b"\x1f\x8bnot really", "cannot be read"),
        (HEADER.encode() + b"A1,LUMI-KIT1,\xff\xfe,1,2025-01-01\n", "cannot be read"),
    ],
)
def test_what_is_no_file_of_sales_is_refused_in_a_sentence(tmp_path, content, said):
    path = tmp_path / "broken"
    path.write_bytes(content)

    with pytest.raises(CommandError, match=said):
        run("--file", str(path))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--file", "/nowhere/at/all.csv"], "/nowhere/at/all.csv: No such file or directory."),
        (["--origins", "0"], "--origins must be at least 1"),
        (["--days", "0"], "--days must be at least 1"),
        (["--horizon", "0"], "--horizon must be at least 1 day"),
        (["--file", "manage.py", "--column", "price"], "--column price: write NAME=HEADER"),
        (["--file", "manage.py", "--sku-pattern", "("], "cannot be read as sales"),
        (["--file", "manage.py", "--encoding", "klingon"], "unknown encoding: klingon"),
    ],
)
def test_impossible_options_are_refused(arguments, said):
    with pytest.raises(CommandError) as refused:
        run(*arguments)

    assert said in str(refused.value)


@pytest.mark.django_db
def test_an_empty_database_says_so():
    assert run() == "There are no sales to learn from.\n"


@pytest.mark.django_db
def test_the_database_at_hand_is_reported_on(monkeypatch):
    today = timezone.localdate()
    made = datetime.combine(today - timedelta(days=130), datetime.min.time(), timezone.get_current_timezone())
    monkeypatch.setattr(timezone, "now", lambda: made)
    product = make_product(on_hand=1_000)
    for days_ago in range(129, -1, -1):
        sell(product, 2, on=today - timedelta(days=days_ago))
    monkeypatch.undo()

    told = run("--days", "131", "--horizon", "30")

    assert f"1 products, {today - timedelta(days=130)} to {today} (131 days)" in told
    assert float(table(told)["level"][0]) < 0.05


# The figures


def test_errors_are_of_whole_horizons_and_pooled_over_products():
    # Velocity at the origin: 2 a day and 1 a day. Sold in the 20 days after it: 60 and 10.
    history = a_history([[2] * 90 + [3] * 20, [1] * 90 + [0] * 10 + [1] * 10])

    scores = {score.name: score for score in accuracy.measure(history, LEVEL_SEASON, 20, [90])}

    assert scores["velocity_90"].wape == pytest.approx((20 + 10) / 70)
    assert scores["velocity_90"].bias == pytest.approx((-20 + 10) / 70)
    assert sum(scores[method.name].share for method in METHODS) == pytest.approx(1)
    assert scores["chosen"].share == 1


def test_mase_compares_with_repeating_the_week_before():
    # Weeks of 7 and 21 in turn: repeating is wrong by 14. The mean of 84 days says 2 a day: wrong by 7 each week.
    history = a_history([([1] * 7 + [3] * 7) * 7])

    scores = {score.name: score for score in accuracy.measure(history, LEVEL_SEASON, 14, [84])}

    assert scores["velocity_90"].mase == pytest.approx(0.5)


def test_products_without_eight_weeks_before_the_origin_take_no_part():
    history = a_history([[2] * 110])
    young = History(FIRST, history.units, history.in_stock, np.array([40], np.int32))

    scores = accuracy.measure(young, LEVEL_SEASON, 20, [90])

    assert all(np.isnan(score.wape) for score in scores)


def test_origins_leave_room_for_the_horizon_and_for_eight_weeks():
    assert accuracy.origins(200, 30, most=3) == [114, 142, 170]
    assert accuracy.origins(200, 90, most=9) == [82, 110]
    assert accuracy.origins(200, 30, most=9, first=140) == [142, 170]
    assert accuracy.origins(85, 30, most=9) == []
