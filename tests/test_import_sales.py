"""manage.py import_sales: what is booked, what is refused and why, and that nothing is ever booked twice."""

import csv
import gzip
import io
import os
import re
import subprocess
import sys
import threading
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditLog, User
from accounts.rights import Role
from inventory.models import Product, StockMovement
from inventory.services import ledger
from sales.models import MonthlySales, Platform, Sale
from sales.salesfile import Mapped, Reader
from sales.services import importing
from sales.services.importing import SaleLine
from tests.factories import make_product, make_user, on_hand

ROOT = Path(__file__).resolve().parents[1]
EXTRACT = ROOT / "tests" / "data" / "online_retail_extract.csv"
PUBLISHED = [
    "order_reference=Invoice",
    "internal_sku=StockCode",
    "quantity=Quantity",
    "unit_price_usd=Price",
    "sale_date=InvoiceDate",
]
HEADER = "order_reference,internal_sku,quantity,unit_price_usd,sale_date"
KIT = "LUMI-KIT1"
COUNT = re.compile(r"^\s*(\w[\w ]*?)\s+([\d,]+)$")

pytestmark = pytest.mark.django_db

Importer = Callable[..., Counter[str]]


@pytest.fixture
def rejects(tmp_path: Path) -> Path:
    return tmp_path / "rejects.csv"


@pytest.fixture
def run(admin: User, rejects: Path) -> Importer:
    """Import a file and return the figures of the summary."""

    def imported(file: Path | str, **options: Any) -> Counter[str]:
        out = io.StringIO()
        call_command(
            "import_sales", str(file), **{"rejects": str(rejects), "stderr": io.StringIO(), **options}, stdout=out
        )
        figures = [found for line in out.getvalue().splitlines() if (found := COUNT.match(line))]
        return Counter({name: int(count.replace(",", "")) for name, count in (found.groups() for found in figures)})

    return imported


@pytest.fixture
def sheet(tmp_path: Path) -> Callable[..., Path]:
    """Write lines under a header into a file."""

    def written(*lines: str, header: str = HEADER, name: str = "sales.csv") -> Path:
        path = tmp_path / name
        path.write_text("".join(f"{line}\n" for line in (header, *lines)), encoding="utf-8")
        return path

    return written


@pytest.fixture
def wholesaler(settings: Any, admin: User) -> None:
    """The products of the extract, with plenty of each."""
    settings.SKU_PATTERN = r"^\d{5}[A-Z]{0,2}$"
    codes = {row["StockCode"].strip().upper() for row in extract()}
    for code in sorted(code for code in codes if re.fullmatch(settings.SKU_PATTERN, code)):
        make_product(code, on_hand=10_000)


def extract() -> list[dict[str, str]]:
    with EXTRACT.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def booked() -> list[tuple[str, int]]:
    return list(Sale.objects.order_by("id").values_list("order_reference", "quantity"))


def refusals(rejects: Path) -> list[list[str]]:
    with rejects.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


def state() -> tuple[Any, ...]:
    """Everything that an import writes, but for ids and times."""
    columns = ("order_reference", "product__internal_sku", "sale_date", "quantity", "unit_price_usd", "platform")
    months = ("month", "product__internal_sku", "units", "revenue_usd")
    return (
        sorted(Sale.objects.values_list(*columns)),
        sorted(MonthlySales.objects.values_list(*months)),
        sorted(Product.objects.values_list("internal_sku", "stock_level__quantity")),
        sorted(StockMovement.objects.values_list("product__internal_sku", "quantity", "reference_type")),
        AuditLog.objects.filter(table_name__in=("sales", "stock_movements")).count(),
    )


# The extract


def test_the_extract_of_a_real_year_is_booked_to_the_line(wholesaler: None, run: Importer) -> None:
    figures = run(EXTRACT, column=PUBLISHED)

    del figures["lines a second"]
    assert figures == {
        "read": 199,
        "booked": 148,
        "returned": 14,
        "booked before": 0,
        "refused": 37,
        "not_a_product": 19,
        "write_off": 8,
        "no_price": 6,
        "return_exceeds_sale": 4,
    }
    assert Sale.objects.count() == 162
    assert StockMovement.objects.filter(reference_type="SALE").count() == 148
    assert StockMovement.objects.filter(reference_type="RETURN").count() == 14
    assert AuditLog.objects.filter(table_name="sales").count() == 162


def test_lower_case_codes_are_the_product_in_upper_case(wholesaler: None, run: Importer) -> None:
    run(EXTRACT, column=PUBLISHED)

    assert set(Sale.objects.filter(product__internal_sku="72349B").values_list("order_reference", "quantity")) == {
        ("489594", 4),
        ("489600", 2),
        ("489797", 1),
    }
    assert Sale.objects.filter(product__internal_sku="47503J").get().quantity == 1


def test_equal_lines_of_one_file_are_all_booked(wholesaler: None, run: Importer) -> None:
    run(EXTRACT, column=PUBLISHED)

    assert Sale.objects.filter(order_reference="489517", product__internal_sku="21912").count() == 3
    assert Sale.objects.filter(order_reference="489517", product__internal_sku="21821").count() == 2


def test_an_order_whose_lines_are_scattered_is_booked_whole(wholesaler: None, run: Importer) -> None:
    run(EXTRACT, column=PUBLISHED, batch_size=1)

    assert Sale.objects.filter(order_reference="489462").count() == 13


def test_what_is_no_sale_leaves_no_trace(wholesaler: None, run: Importer) -> None:
    run(EXTRACT, column=PUBLISHED)

    assert not Sale.objects.filter(order_reference__startswith="A").exists()
    assert not Sale.objects.filter(order_reference="489464").exists()
    assert not Product.objects.filter(internal_sku__in=["POST", "DOT", "B", "PADS"]).exists()
    assert on_hand(Product.objects.get(internal_sku="21733")) == 10_000


def test_the_batch_size_does_not_change_what_is_booked(wholesaler: None, run: Importer) -> None:
    small = run(EXTRACT, column=PUBLISHED, batch_size=1)
    again = run(EXTRACT, column=PUBLISHED, batch_size=10_000)

    assert (small["booked"], small["returned"]) == (148, 14)
    assert (again["booked"], again["returned"], again["booked before"]) == (0, 0, 162)


# Nothing twice


@pytest.mark.abuse("FILE-07", "INT-10")
def test_a_second_run_books_nothing(wholesaler: None, run: Importer) -> None:
    run(EXTRACT, column=PUBLISHED)
    once = state()

    again = run(EXTRACT, column=PUBLISHED)

    assert (again["booked"], again["returned"], again["booked before"], again["refused"]) == (0, 0, 162, 37)
    assert state() == once


@pytest.mark.abuse("FILE-07", "INT-10")
def test_two_overlapping_files_book_what_one_file_would(wholesaler: None, run: Importer, tmp_path: Path) -> None:
    lines = EXTRACT.read_text(encoding="utf-8").splitlines(keepends=True)
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    first.write_text("".join(lines[:121]), encoding="utf-8")
    second.write_text("".join([lines[0], *lines[41:]]), encoding="utf-8")

    one = run(first, column=PUBLISHED)
    two = run(second, column=PUBLISHED)

    assert one["booked"] + two["booked"] == 148
    assert one["returned"] + two["returned"] == 14
    assert two["booked before"] == 55
    once = state()
    assert run(EXTRACT, column=PUBLISHED)["booked before"] == 162
    assert state() == once


def test_a_file_that_holds_a_line_once_more_books_it_once_more(run: Importer, sheet: Callable[..., Path]) -> None:
    kit = make_product(KIT, on_hand=10)
    line = f"A1,{KIT},2,5.00,2020-03-01"
    run(sheet(line, line))

    figures = run(sheet(line, line, line))

    assert (figures["booked before"], figures["booked"]) == (2, 1)
    assert on_hand(kit) == 4


@pytest.mark.abuse("FILE-07", "INT-10", "CON-10")
@pytest.mark.parametrize("fails_in_batch", [1, 2, 5])
def test_an_import_that_died_half_way_is_completed_by_the_next_run(
    fails_in_batch: int, wholesaler: None, run: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, calls = importing.recording.write, []

    def dying(*args: Any, **kwargs: Any) -> Any:
        calls.append(write(*args, **kwargs))
        if len(calls) == fails_in_batch:
            raise RuntimeError("power cut")
        return calls[-1]

    monkeypatch.setattr(importing.recording, "write", dying)
    with pytest.raises(RuntimeError, match="power cut"):
        run(EXTRACT, column=PUBLISHED, batch_size=20)
    monkeypatch.undo()
    before = sum(len(recorded) for recorded in calls[:-1])
    assert Sale.objects.count() == before  # the batch that died left nothing

    figures = run(EXTRACT, column=PUBLISHED, batch_size=20)

    assert figures["booked before"] == before
    assert figures["booked"] + figures["returned"] == 162 - before
    assert Sale.objects.count() == 162


@pytest.mark.abuse("FILE-07", "INT-10", "CON-10")
def test_a_killed_process_leaves_whole_batches_and_the_next_run_completes_them(tmp_path: Path) -> None:
    days = [f"A{day},{KIT},{day},5.00,2020-03-{day:02}\n" for day in range(1, 31)]
    environ = _own_database(tmp_path)
    command = [sys.executable, "manage.py", "import_sales", "-", "--batch-size", "10", "--rejects", os.devnull]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, env=environ, text=True, **pipes) as process:
        process.stdin.write(f"{HEADER}\n{''.join(days[:25])}")
        process.stdin.flush()  # and no end of the file: the process waits in the middle of its third batch
        assert "11 lines" in process.stderr.readline()
        assert "21 lines" in process.stderr.readline()
        process.kill()
    assert process.returncode == -9

    again = subprocess.run(
        command, cwd=ROOT, env=environ, text=True, capture_output=True, input=f"{HEADER}\n{''.join(days)}"
    )

    assert again.returncode == 0, again.stderr
    assert re.search(r"booked +10\n", again.stdout)
    assert re.search(r"booked before +20\n", again.stdout)
    checked = subprocess.run(
        [sys.executable, "manage.py", "verify_ledger"], cwd=ROOT, env=environ, text=True, capture_output=True
    )
    assert checked.returncode == 0, checked.stderr


def _own_database(folder: Path) -> dict[str, str]:
    """Make a database file with one product of 1,000 units; returns the environment that names it."""
    environ = {
        **os.environ,
        "DATABASE_URL": f"sqlite:///{folder / 'own.sqlite3'}",
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
    }
    prepare = f"""
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from tests.factories import make_product
make_product("{KIT}", on_hand=1_000)
"""
    subprocess.run([sys.executable, "-c", prepare], cwd=ROOT, env=environ, check=True)
    return environ


@pytest.mark.abuse("FILE-07", "INT-10")
@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_imports_of_one_file_at_once_book_it_once() -> None:
    admin = make_user(Role.ADMIN)
    kit = make_product(KIT, on_hand=1_000)
    lines = [line(number, reference=f"A{number}") for number in range(200)]
    start, outcomes = threading.Barrier(2), []

    def import_all() -> None:
        try:
            with importing.occurrences() as seen:
                start.wait()
                outcomes.append(importing.book(lines, seen=seen, actor=admin))
        finally:
            connection.close()

    threads = [threading.Thread(target=import_all) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcome.sold for outcome in outcomes) == [0, 200]
    assert sorted(outcome.known for outcome in outcomes) == [0, 200]
    assert on_hand(kit) == 800


# What a line becomes


def test_a_line_is_booked_with_everything_it_says(run: Importer, sheet: Callable[..., Path]) -> None:
    kit = make_product(KIT, price="99.00", on_hand=10)

    run(sheet(f" A1 , {KIT.lower()} , 3 , 4.505 , 2020-03-31 23:59:59 , lazada ", header=f"{HEADER},platform"))

    sale = Sale.objects.get()
    assert (sale.order_reference, sale.product, sale.quantity, sale.unit_price_usd, sale.sale_date, sale.platform) == (
        "A1",
        kit,
        3,
        Decimal("4.51"),
        date(2020, 3, 31),
        "LAZADA",
    )
    month = MonthlySales.objects.get()
    assert (month.month, month.units, month.revenue_usd) == (date(2020, 3, 1), 3, Decimal("13.53"))
    assert on_hand(kit) == 7


@pytest.mark.parametrize("reference", ["NULL", "{a,b}", 'say "hi"', "back\\slash\\", "it's 100%s", "โกดัง-7"])
def test_a_reference_is_kept_letter_by_letter(reference: str, run: Importer, tmp_path: Path) -> None:
    make_product(KIT, on_hand=2)
    file = tmp_path / "sales.csv"
    with file.open("w", newline="", encoding="utf-8") as text:
        csv.writer(text).writerows([HEADER.split(","), [reference, KIT, "1", "1", "2020-03-01"]])

    run(file)

    assert booked() == [(reference, 1)]
    assert AuditLog.objects.get(table_name="sales").new_values["order_reference"] == reference
    assert run(file)["booked before"] == 1


def test_a_file_without_platforms_takes_that_of_the_option(run: Importer, sheet: Callable[..., Path]) -> None:
    make_product(KIT, on_hand=2)

    run(sheet(f"A1,{KIT},1,1,2020-03-01"))
    run(sheet(f"A2,{KIT},1,1,2020-03-01"), platform="SHOPEE")

    assert list(Sale.objects.order_by("id").values_list("platform", flat=True)) == ["DIRECT", "SHOPEE"]


@pytest.mark.abuse("FILE-07")
def test_the_audit_log_names_who_imported(run: Importer, sheet: Callable[..., Path]) -> None:
    make_product(KIT, on_hand=1)
    clerk = make_user(Role.STAFF, email="clerk@example.net")

    run(sheet(f"A1,{KIT},1,1,2020-03-01"), user="CLERK@example.net")

    entry = AuditLog.objects.get(table_name="sales")
    assert (entry.user, entry.user_agent) == (clerk, "manage.py import_sales")
    assert StockMovement.objects.get(reference_type="SALE").created_by == clerk


@pytest.mark.parametrize(
    ("date_format", "text"),
    [
        ("", "2020-03-09"),
        ("", "2020-03-09 07:45:00"),
        ("", "2020-03-09T23:30:00Z"),
        ("%d/%m/%Y", "09/03/2020"),
        ("%m/%d/%y %H:%M", "3/9/20 7:45"),
    ],
)
def test_dates_are_read_as_they_are_written(
    date_format: str, text: str, run: Importer, sheet: Callable[..., Path]
) -> None:
    make_product(KIT, on_hand=1)

    run(sheet(f"A1,{KIT},1,1,{text}"), date_format=date_format)

    assert Sale.objects.get().sale_date == date(2020, 3, 9)


# Refusals


@pytest.mark.abuse("FILE-07", "INP-01")
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f",{KIT},1,1,2020-03-01,", "no_order_reference"),
        (f"{'A' * 65},{KIT},1,1,2020-03-01,", "bad_order_reference"),
        (f"A\x001,{KIT},1,1,2020-03-01,", "bad_order_reference"),
        ("A1,POST,1,1,2020-03-01,", "not_a_product"),
        ("A1,,1,1,2020-03-01,", "not_a_product"),
        ("A1,LUMI-OTHER,1,1,2020-03-01,", "unknown_product"),
        (f"A1,{KIT},0,1,2020-03-01,", "zero_quantity"),
        (f"A1,{KIT},1.5,1,2020-03-01,", "bad_quantity"),
        (f"A1,{KIT},,1,2020-03-01,", "bad_quantity"),
        (f"A1,{KIT},1e3,1,2020-03-01,", "bad_quantity"),
        (f"A1,{KIT},1e999999999,1,2020-03-01,", "bad_quantity"),
        (f"A1,{KIT},1_0,1,2020-03-01,", "bad_quantity"),
        (f"A1,{KIT},١,1,2020-03-01,", "bad_quantity"),
        (f"A1,{KIT},2147483648,1,2020-03-01,", "bad_quantity"),
        (f"A1,{KIT},1,-0.01,2020-03-01,", "negative_price"),
        (f"A1,{KIT},1,NaN,2020-03-01,", "bad_price"),
        (f"A1,{KIT},1,Infinity,2020-03-01,", "bad_price"),
        (f"A1,{KIT},1,,2020-03-01,", "bad_price"),
        (f"A1,{KIT},1,$5,2020-03-01,", "bad_price"),
        (f"A1,{KIT},1,9999999999.995,2020-03-01,", "bad_price"),
        (f"A1,{KIT},2147483647,9999999999.99,2020-03-01,", "amount_too_large"),
        (f"A1,{KIT},1,0,2020-03-01,", "no_price"),
        (f"A1,{KIT},1,0.004,2020-03-01,", "no_price"),
        (f"A1,{KIT},-1,0,2020-03-01,", "write_off"),
        (f"A1,{KIT},1,1,2020-02-30,", "bad_date"),
        (f"A1,{KIT},1,1,,", "bad_date"),
        (f"A1,{KIT},1,1,2999-01-01,", "future_date"),
        (f"A1,{KIT},1,1,2020-03-01,EBAY", "bad_platform"),
        (f"A1,{KIT},11,1,2020-03-01,", "insufficient_stock"),
        (f"A1,{KIT},-1,1,2020-03-01,", "return_exceeds_sale"),
        (f"C1,{KIT},-3,1,2020-03-01,", "return_exceeds_sale"),
        (f"A1,{KIT},1,1,2020-03-01", "column_count"),
        (f"A1,{KIT},1,1,000.00,2020-03-01,", "column_count"),
    ],
)
def test_what_cannot_be_booked_is_refused_with_its_reason(
    text: str, reason: str, run: Importer, sheet: Callable[..., Path], rejects: Path
) -> None:
    kit = make_product(KIT, on_hand=10)

    figures = run(sheet(text, f"A2,{KIT},2,1,2020-03-01,", header=f"{HEADER},platform"))

    assert (figures["read"], figures["booked"], figures["refused"], figures[reason]) == (2, 1, 1, 1)
    assert [refusal[:2] for refusal in refusals(rejects)] == [["2", reason]]
    assert booked() == [("A2", 2)]
    assert on_hand(kit) == 8


def test_a_shortage_refuses_its_line_and_not_the_batch(
    run: Importer, sheet: Callable[..., Path], rejects: Path
) -> None:
    kit = make_product(KIT, on_hand=5)
    lines = [f"A{number},{KIT},{units},1,2020-03-01" for number, units in enumerate([3, 4, 2, 1], start=1)]

    figures = run(sheet(*lines))

    assert (figures["booked"], figures["insufficient_stock"]) == (2, 2)
    assert booked() == [("A1", 3), ("A3", 2)]
    assert [refusal[0] for refusal in refusals(rejects)] == ["3", "5"]
    assert on_hand(kit) == 0


def test_a_line_refused_for_a_shortage_is_booked_once_the_units_are_there(
    run: Importer, sheet: Callable[..., Path], admin: User
) -> None:
    kit = make_product(KIT, on_hand=1)
    file = sheet(f"A1,{KIT},1,1,2020-03-01", f"A1,{KIT},1,1,2020-03-01")
    assert run(file)["insufficient_stock"] == 1
    ledger.receive([ledger.Line(kit.pk, 5)], actor=admin)

    figures = run(file)

    assert (figures["booked before"], figures["booked"], figures["refused"]) == (1, 1, 0)
    assert on_hand(kit) == 4


@pytest.mark.abuse("FILE-02")
def test_the_rejects_file_tells_line_reason_and_text(run: Importer, sheet: Callable[..., Path], rejects: Path) -> None:
    make_product(KIT, on_hand=1)

    run(
        sheet(
            f"A1,{KIT},1,5,2020-03-01,plain",
            "",
            '=HYPERLINK("http://example.net"),POST,1,5,2020-03-01,"£ 5, paid"',
            f"A3,{KIT},7,5,2020-03-01,short",
            header=f"{HEADER},note",
        )
    )

    assert rejects.read_text(encoding="utf-8").splitlines()[0] == "line,reason,text"
    assert refusals(rejects) == [
        ["4", "not_a_product", '\'=HYPERLINK("http://example.net") | POST | 1 | 5 | 2020-03-01 | £ 5, paid'],
        ["5", "insufficient_stock", f"{KIT} | 7 | 5.00 | 2020-03-01 | DIRECT | A3"],
    ]


@pytest.mark.abuse("FILE-02")
@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r"])
def test_no_refused_line_begins_like_a_formula(sign: str, run: Importer, rejects: Path, tmp_path: Path) -> None:
    file = tmp_path / "sales.csv"
    with file.open("w", newline="", encoding="utf-8") as text:
        csv.writer(text).writerows([HEADER.split(","), [f"{sign}1+1", "POST", "1", "1", "2020-03-01"]])

    run(file)

    assert [refusal[1:] for refusal in refusals(rejects)] == [
        ["not_a_product", f"'{sign}1+1 | POST | 1 | 1 | 2020-03-01"]
    ]


def test_a_clean_import_leaves_an_empty_rejects_file_and_does_not_speak_of_it(
    run: Importer, sheet: Callable[..., Path], rejects: Path
) -> None:
    make_product(KIT, on_hand=1)
    rejects.write_text("of yesterday")

    run(sheet(f"A1,{KIT},1,1,2020-03-01"))

    assert rejects.read_text() == "line,reason,text\n"


# Returns


def test_a_return_is_bounded_by_what_its_order_sold(run: Importer, sheet: Callable[..., Path]) -> None:
    kit = make_product(KIT, on_hand=100)
    lines = [f"A1,{KIT},5,1,2020-03-01", f"A2,{KIT},50,1,2020-03-01"]
    returns = [f"A1,{KIT},-3,1,2020-03-02", f"A1,{KIT},-3,1,2020-03-03", f"A1,{KIT},-2,1,2020-03-04"]

    figures = run(sheet(*lines, *returns))

    assert (figures["returned"], figures["return_exceeds_sale"]) == (2, 1)
    assert booked() == [("A1", 5), ("A2", 50), ("A1", -3), ("A1", -2)]
    assert on_hand(kit) == 50


def test_a_credit_note_is_bounded_by_what_was_sold_of_the_product_until_its_day(
    run: Importer, sheet: Callable[..., Path]
) -> None:
    kit, other = make_product(KIT, on_hand=10), make_product("LUMI-OTHER", on_hand=10)

    run(
        sheet(
            f"A1,{KIT},4,1,2020-03-01",
            "A1,LUMI-OTHER,9,1,2020-03-01",
            f"C1,{KIT},-5,1,2020-03-02",  # of this product only 4 were sold
            f"C2,{KIT},-3,1,2020-03-02",
            f"C3,{KIT},-2,1,2020-03-02",  # 1 is left
            f"A2,{KIT},6,1,2020-03-03",
        )
    )

    assert booked() == [("A1", 4), ("A1", 9), ("C2", -3), ("A2", 6)]
    assert (on_hand(kit), on_hand(other)) == (3, 1)


def test_what_comes_back_may_have_been_sold_later_that_day_and_not_the_day_after(
    run: Importer, sheet: Callable[..., Path]
) -> None:
    make_product(KIT, on_hand=10)

    run(
        sheet(
            f"C1,{KIT},-1,1,2020-03-01",
            f"A1,{KIT},1,1,2020-03-01",
            f"C2,{KIT},-1,1,2020-03-02",
            f"A2,{KIT},1,1,2020-03-03",
        )
    )

    assert booked() == [("A1", 1), ("C1", -1), ("A2", 1)]


def test_a_credit_note_of_an_earlier_file_cannot_take_what_a_later_one_took(
    run: Importer, sheet: Callable[..., Path]
) -> None:
    kit = make_product(KIT, on_hand=10)
    run(sheet(f"A1,{KIT},4,1,2020-03-01", f"C9,{KIT},-3,1,2020-03-09"))

    figures = run(sheet(f"C5,{KIT},-2,1,2020-03-05", f"C6,{KIT},-1,1,2020-03-06"))

    assert (figures["returned"], figures["return_exceeds_sale"]) == (1, 1)
    assert on_hand(kit) == 10


def test_the_prefix_of_credit_notes_is_an_option(run: Importer, sheet: Callable[..., Path]) -> None:
    make_product(KIT, on_hand=10)
    file = sheet(f"A1,{KIT},4,1,2020-03-01", f"C1,{KIT},-1,1,2020-03-02", f"RT1,{KIT},-1,1,2020-03-02")

    run(file, credit_note_prefix="RT")

    assert booked() == [("A1", 4), ("RT1", -1)]


def test_without_a_prefix_every_return_needs_its_order(run: Importer, sheet: Callable[..., Path]) -> None:
    make_product(KIT, on_hand=10)

    run(sheet(f"A1,{KIT},4,1,2020-03-01", f"C1,{KIT},-1,1,2020-03-02"), credit_note_prefix="")

    assert booked() == [("A1", 4)]


def test_returned_units_can_be_sold_again(run: Importer, sheet: Callable[..., Path]) -> None:
    kit = make_product(KIT, on_hand=1)

    run(sheet(f"A1,{KIT},1,1,2020-03-01", f"C1,{KIT},-1,1,2020-03-02", f"A2,{KIT},1,1,2020-03-03"), batch_size=1)

    assert booked() == [("A1", 1), ("C1", -1), ("A2", 1)]
    assert on_hand(kit) == 0


def test_a_sale_that_comes_back_the_same_day_leaves_the_level_as_it_was(
    run: Importer, sheet: Callable[..., Path]
) -> None:
    kit = make_product(KIT, on_hand=1)

    figures = run(sheet(f"A1,{KIT},1,1,2020-03-01", f"C1,{KIT},-1,1,2020-03-01"))

    assert (figures["booked"], figures["returned"]) == (1, 1)
    assert on_hand(kit) == 1


# Files


TWO_LINES = f"{HEADER}\r\nA1,{KIT},2,1,2020-03-01\r\nA2,{KIT},3,1,2020-03-01"


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("bom", ["", "\ufeff"], ids=["without BOM", "with BOM"])
def test_plain_and_packed_files_are_told_apart_by_what_they_hold(
    bom: str, pack: Callable[[bytes], bytes], run: Importer, tmp_path: Path
) -> None:
    make_product(KIT, on_hand=5)
    file = tmp_path / "whatever it is called"
    file.write_bytes(pack(f"{bom}{TWO_LINES}".encode()))

    run(file)

    assert booked() == [("A1", 2), ("A2", 3)]


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_dash_reads_standard_input(
    pack: Callable[[bytes], bytes], run: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_product(KIT, on_hand=5)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(pack(TWO_LINES.encode())))))

    run("-")

    assert booked() == [("A1", 2), ("A2", 3)]


def test_another_encoding_is_an_option(run: Importer, tmp_path: Path) -> None:
    make_product(KIT, on_hand=5)
    file = tmp_path / "latin.csv"
    file.write_bytes(f"{HEADER}\nGÄRTEN-1,{KIT},1,1,2020-03-01\n".encode("latin-1"))

    run(file, encoding="latin-1")

    assert booked() == [("GÄRTEN-1", 1)]


def test_a_cell_may_hold_commas_quotes_and_line_breaks(
    run: Importer, sheet: Callable[..., Path], rejects: Path
) -> None:
    make_product(KIT, on_hand=5)

    run(sheet(f'"A,1",{KIT},1,1,2020-03-01,"7"" frame,\nsilver"', "A2,POST,1,1,2020-03-01,", header=f"{HEADER},note"))

    assert booked() == [("A,1", 1)]
    assert [refusal[0] for refusal in refusals(rejects)] == ["4"]  # as an editor counts lines


@pytest.mark.parametrize("content", ["", HEADER, f"{HEADER}\n\n\n"], ids=["empty", "header only", "blank lines"])
def test_a_file_without_lines_books_nothing(content: str, run: Importer, tmp_path: Path) -> None:
    file = tmp_path / "sales.csv"
    file.write_text(content)

    if content:
        assert run(file)["read"] == 0
    else:
        with pytest.raises(CommandError, match="no column for: order_reference"):
            run(file)
    assert not Sale.objects.exists()


def test_missing_columns_are_all_named_with_what_the_file_has(run: Importer, sheet: Callable[..., Path]) -> None:
    with pytest.raises(CommandError) as refusal:
        run(sheet("1,2,3", header="Invoice,internal_sku,quantity"))

    assert "no column for: order_reference (--column order_reference=…), unit_price_usd" in str(refusal.value)
    assert "It has: Invoice, internal_sku, quantity." in str(refusal.value)


def test_a_column_that_is_there_twice_is_refused(run: Importer, sheet: Callable[..., Path]) -> None:
    make_product(KIT, on_hand=5)

    with pytest.raises(CommandError, match="more than one column quantity"):
        run(sheet(f"A1,{KIT},1,1,2020-03-01,2", header=f"{HEADER},quantity"))

    assert not Sale.objects.exists()


def test_a_mapped_platform_column_must_be_there(run: Importer, sheet: Callable[..., Path]) -> None:
    with pytest.raises(CommandError, match=r"no column for: platform"):
        run(sheet(header=HEADER), column=["platform=Channel"])


@pytest.mark.parametrize("mapping", ["sku=Code", "quantity", "quantity=", "=Menge"])
def test_a_mapping_that_makes_no_sense_is_refused_before_anything_is_read(
    mapping: str, run: Importer, sheet: Callable[..., Path], rejects: Path
) -> None:
    with pytest.raises(CommandError, match=f"--column {mapping}: write NAME=HEADER"):
        run(sheet(), column=[mapping])

    assert not rejects.exists()


GOOD_LINES = "".join(f"A{day},{KIT},1,1,2020-03-{day:02}\n" for day in range(1, 21))
GOOD = f"{HEADER}\n{GOOD_LINES}".encode()
PACKED = gzip.compress(GOOD)


@pytest.mark.abuse("FILE-04")
@pytest.mark.parametrize(
    ("content", "before"),
    [
        (GOOD + b"A21,\xff\xfe,1,1,2020-03-21\n", 0),
        (GOOD + f'A21,"{KIT * 20_000}'.encode(), 15),
        (PACKED[:-9], 15),
        (PACKED[:12] + bytes([PACKED[12] ^ 0xFF]) + PACKED[13:], 0),
        (PACKED + b"no gzip", 15),
    ],
    ids=["no UTF-8", "endless cell", "cut gzip", "damaged gzip", "garbage after gzip"],
)
def test_a_file_that_breaks_off_stops_with_the_summary_and_books_nothing_twice(
    content: bytes, before: int, run: Importer, tmp_path: Path
) -> None:
    make_product(KIT, on_hand=100)
    file = tmp_path / "sales.csv"
    file.write_bytes(content)

    for _ in range(2):
        with pytest.raises(CommandError, match=r"(?s)read .*booked .*Stopped: ."):
            run(file, batch_size=5)
        assert len(booked()) == before

    file.write_bytes(GOOD)
    figures = run(file)
    assert (figures["booked before"], figures["booked"]) == (before, 20 - before)


@pytest.mark.parametrize("size", [0, -1, 10_001])
def test_a_batch_size_out_of_bounds_is_refused(size: int, run: Importer, sheet: Callable[..., Path]) -> None:
    with pytest.raises(CommandError, match="--batch-size must be between 1 and 10000"):
        run(sheet(), batch_size=size)


def test_an_unknown_or_inactive_user_is_refused(run: Importer, sheet: Callable[..., Path]) -> None:
    make_user(Role.ADMIN, email="gone@example.net", is_active=False)

    for email in ("nobody@example.net", "gone@example.net"):
        with pytest.raises(CommandError, match=f"There is no active user {email}"):
            run(sheet(), user=email)


def test_without_an_admin_nobody_imports(sheet: Callable[..., Path]) -> None:
    User.objects.all().delete()

    with pytest.raises(CommandError, match="There is no active ADMIN"):
        call_command("import_sales", str(sheet()))


def test_a_file_that_cannot_be_opened_is_told(run: Importer, tmp_path: Path) -> None:
    for path in (tmp_path / "missing.csv", tmp_path):
        with pytest.raises(CommandError, match=re.escape(str(path))):
            run(path)


def test_an_unknown_encoding_is_told(run: Importer, sheet: Callable[..., Path]) -> None:
    with pytest.raises(CommandError, match="--encoding klingon: unknown encoding"):
        run(sheet(), encoding="klingon")


@pytest.mark.abuse("FILE-07")
def test_the_rejects_never_overwrite_the_file_itself(run: Importer, sheet: Callable[..., Path]) -> None:
    file = sheet("A1,POST,1,1,2020-03-01")
    before = file.read_bytes()

    with pytest.raises(CommandError, match="this is the file to be imported"):
        run(file, rejects=str(file))
    with pytest.raises(CommandError, match="No such file or directory"):
        run(file, rejects=str(file.parent / "missing" / "rejects.csv"))

    assert file.read_bytes() == before


def test_progress_is_told_after_every_batch(run: Importer, sheet: Callable[..., Path]) -> None:
    make_product(KIT, on_hand=5)
    progress = io.StringIO()

    run(sheet(*(f"A1,{KIT},1,1,2020-03-0{day}" for day in range(1, 6))), batch_size=2, stderr=progress)

    assert re.findall(r"(\d+) lines, [\d,]+ a second", progress.getvalue()) == ["3", "5", "5"]


# Batches, memory, statements


def line(number: int = 1, *, day: int = 1, reference: str = "A1", quantity: int = 1) -> SaleLine:
    return SaleLine(number, KIT, quantity, Decimal("1.00"), date(2020, 3, day), Platform.DIRECT, reference)


def test_a_batch_ends_with_a_day() -> None:
    days = [1, 1, 1, 2, 2, 3, 4, 4, 4, 4, 5]

    cut = list(importing.batches([line(day=day) for day in days], size=2))

    assert [[one.sale_date.day for one in batch] for batch in cut] == [[1, 1, 1], [2, 2], [3, 4, 4, 4, 4], [5]]


def test_a_day_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "LONGEST_BATCH", 4)

    cut = list(importing.batches([line(day=1)] * 9, size=2))

    assert [len(batch) for batch in cut] == [4, 4, 1]


def _rows(number: int, *, sku: str) -> Iterator[str]:
    yield f"{HEADER}\n"
    for at in range(number):
        yield f"A{at},{sku},1,1,2020-03-{at % 3000 // 100 + 1:02}\n"


def _peak(rows: Iterable[str]) -> int:
    """Return the most bytes held while a file is read and cut."""
    mapped = Mapped({}, r"LUMI-\w+", Platform.DIRECT, date(2020, 12, 31))
    tracemalloc.start()
    try:
        for _ in importing.batches(Reader(rows, mapped, lambda *_: None), size=500):
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.abuse("FILE-04")
@pytest.mark.parametrize("sku", [KIT, "POST"], ids=["all booked", "all refused"])
def test_memory_does_not_grow_with_the_file(sku: str) -> None:
    _peak(_rows(500, sku=sku))  # what is cached for good
    small = _peak(_rows(2_000, sku=sku))
    large = _peak(_rows(20_000, sku=sku))

    assert large < small * 1.1


def test_occurrences_are_counted_across_batches_and_vanish() -> None:
    with importing.occurrences() as seen:
        assert seen.count(["a", "b", "a"]) == [1, 1, 2]
        assert seen.count(["a", "c", "b"]) == [3, 1, 2]
    with importing.occurrences() as seen:
        assert seen.count(["a"]) == [1]


def test_a_batch_costs_the_same_statements_for_few_and_many_lines(admin: User) -> None:
    make_product(KIT, on_hand=1_000)

    def statements(number: int, prefix: str) -> int:
        with (
            importing.occurrences() as seen,
            CaptureQueriesContext(
                connection,
            ) as queries,
        ):
            lines = [line(reference=f"{prefix}{at}") for at in range(number)]
            assert importing.book(lines, seen=seen, actor=admin).sold == number
        return len(queries)

    assert statements(1, "A") == statements(300, "B")


def test_finding_booked_lines_uses_the_index_of_references(db: None) -> None:
    found = importing._sales_of([f"A{number}" for number in range(300)])
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")  # the table is empty: reading it all would be cheaper

    assert "sales_by_order_reference" in found.explain()
