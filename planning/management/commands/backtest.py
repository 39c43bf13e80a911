"""manage.py backtest: how good would each way of forecasting have been?"""

import csv
import gzip
import re
import zlib
from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from planning.demand import LEVEL_SEASON, History, Season, accuracy
from planning.management import demandfile
from planning.selectors import demand
from sales.models import Platform
from sales.salesfile import COLUMNS, BadFile, Mapped

HORIZONS = (30, 90)
UNREADABLE = (BadFile, csv.Error, UnicodeError, EOFError, gzip.BadGzipFile, zlib.error, LookupError, re.error)


class Command(BaseCommand):
    """Reports WAPE, MASE and bias of every method, and of the mix that would have been chosen."""

    help = (
        "Forecast the past from what was known then (rolling origin) and report the error of every method, and of the"
        " mix chosen product by product. Reads the database, or CSV files of sales with the columns of import_sales."
    )
    requires_system_checks: list[str] = []  # with --file it needs no database

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--file", action="append", default=[], help="CSV or CSV.gz of sales; may be repeated")
        parser.add_argument(
            "--column",
            action="append",
            default=[],
            metavar="NAME=HEADER",
            help=f"which column of the file holds NAME ({', '.join(COLUMNS)}); by default the one of the same name",
        )
        parser.add_argument("--sku-pattern", default=settings.SKU_PATTERN, help="what is a product in the file")
        parser.add_argument("--date-format", default="", help="strptime format of the dates; ISO 8601 by default")
        parser.add_argument("--encoding", default="utf-8-sig", help="of the file (default: UTF-8)")
        parser.add_argument("--horizon", action="append", type=int, default=[], metavar="DAYS", help="default: 30, 90")
        parser.add_argument("--origins", type=int, default=6, help="at most so many, four weeks apart (default: 6)")
        parser.add_argument("--since", type=date.fromisoformat, metavar="DAY", help="no origin before this day")
        parser.add_argument("--days", type=int, default=1_095, help="length of the history (default: 1095)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Read, measure, report."""
        for name in ("origins", "days"):
            if options[name] < 1:
                raise CommandError(f"--{name} must be at least 1.")
        if any(days < 1 for days in options["horizon"]):
            raise CommandError("--horizon must be at least 1 day.")
        history, season = self._history(options)
        if not history.units.any():
            self.stdout.write("There are no sales to learn from.")
            return
        last = history.first_day + timedelta(days=history.days - 1)
        self.stdout.write(f"{history.products:,} products, {history.first_day} to {last} ({history.days} days)")
        first = (options["since"] - history.first_day).days if options["since"] else 0
        for horizon in options["horizon"] or HORIZONS:
            self._report(history, season, horizon, options["origins"], first)

    def _history(self, options: dict[str, Any]) -> tuple[History, Season]:
        if not options["file"]:
            return demand.history(None, today=timezone.localdate(), days=options["days"])[1], demand.season()
        mapped = Mapped(
            columns=_columns(options["column"]),
            sku_pattern=options["sku_pattern"],
            platform=Platform.DIRECT,
            today=timezone.localdate(),
            date_format=options["date_format"],
        )
        try:
            read = demandfile.history(options["file"], mapped, encoding=options["encoding"], days=options["days"])
        except UNREADABLE as error:
            raise CommandError(f"The file cannot be read as sales: {error}") from error
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}.") from error
        self.stdout.write(f"{read.lines:,} lines read, {read.refused:,} of them no sale of a product")
        return read.history, LEVEL_SEASON

    def _report(self, history: History, season: Season, horizon: int, most: int, first: int) -> None:
        at = accuracy.origins(history.days, horizon, most=most, first=first)
        if not at:
            self.stdout.write(f"\n{horizon} days ahead: too little history (8 weeks and the horizon are needed)")
            return
        days = ", ".join(f"{history.first_day + timedelta(days=origin)}" for origin in at)
        self.stdout.write(f"\n{horizon} days ahead, from {days}")
        for line in _table(accuracy.measure(history, season, horizon, at)):
            self.stdout.write(line)


def _table(scores: Sequence[accuracy.Score]) -> list[str]:
    lines = [f"{'method':<14}{'WAPE':>8}{'MASE':>8}{'bias':>9}{'chosen':>9}"]
    for score in scores:
        figures = f"{score.wape:>8.3f}{score.mase:>8.3f}{score.bias:>+9.1%}{score.share:>9.1%}"
        lines.append(f"{score.name:<14}{figures.replace('nan%', ' nan')}")
    return lines


def _columns(items: Sequence[str]) -> dict[str, str]:
    columns = {}
    for item in items:
        name, _, header = item.partition("=")
        if name not in COLUMNS or not header:
            raise CommandError(f"--column {item}: write NAME=HEADER with one of {', '.join(COLUMNS)}.")
        columns[name] = header
    return columns
