"""manage.py import_sales: book a file of sales and returns."""

import codecs
import csv
import gc
import gzip
import io
import sys
import time
import zlib
from argparse import ArgumentParser
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, reset_queries
from django.utils import timezone

from accounts.models import User
from accounts.services import users
from core import operations
from core.errors import DomainError
from sales.models import Platform
from sales.salesfile import COLUMNS, BadFile, Mapped, Reader
from sales.services import importing

GZIP_MAGIC = b"\x1f\x8b"
UNREADABLE = (BadFile, csv.Error, UnicodeError, EOFError, gzip.BadGzipFile, zlib.error)
MAX_BATCH = 10_000


class Command(BaseCommand):
    """Streams a CSV or CSV.gz of sales into the ledger; running it again books nothing twice."""

    help = (
        "Book a CSV or CSV.gz file of sales and returns ('-' reads standard input). Lines that are no sale, and lines"
        " that cannot be booked, go to a rejects file with their reason. Running it again books nothing twice."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("file", help="the file, or - for standard input")
        parser.add_argument(
            "--column",
            action="append",
            default=[],
            metavar="NAME=HEADER",
            help=f"which column holds NAME ({', '.join(COLUMNS)}); by default the one of the same name",
        )
        parser.add_argument("--platform", default="DIRECT", choices=Platform.values, help="where the file has none")
        parser.add_argument(
            "--credit-note-prefix",
            default="C",
            metavar="TEXT",
            help="a return whose reference starts with TEXT numbers the return itself, not the order (default: C)",
        )
        parser.add_argument("--date-format", default="", help="strptime format of the dates; ISO 8601 by default")
        parser.add_argument("--batch-size", type=int, default=5_000, help="lines a transaction (default: 5000)")
        parser.add_argument("--rejects", default="rejects.csv", help="where refused lines go (default: rejects.csv)")
        parser.add_argument("--encoding", default="utf-8-sig", help="of the file (default: UTF-8)")
        parser.add_argument("--user", default="", help="e-mail of the one who imports (default: the oldest ADMIN)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Stream, book, report."""
        if not 1 <= options["batch_size"] <= MAX_BATCH:
            raise CommandError(f"--batch-size must be between 1 and {MAX_BATCH}.")
        actor = self._actor(options["user"])
        mapped = self._mapped(options)
        with ExitStack() as stack:
            source = stack.enter_context(_text(options["file"], options["encoding"]))
            rejects = stack.enter_context(_rejects(options["rejects"], options["file"]))
            seen = stack.enter_context(importing.occurrences())
            stack.enter_context(operations.acting_from(operations.Origin(actor.pk, None, "manage.py import_sales")))
            gc.freeze()  # a fifth faster: the collector need not walk all of Django after every few lines
            stack.callback(gc.unfreeze)
            run = _Run(source, mapped, rejects, self.stderr)
            try:
                run.book(seen, actor, options["batch_size"])
            except (*UNREADABLE, DomainError, DatabaseError, KeyboardInterrupt) as error:
                raise CommandError(f"{run.told()}\nStopped: {str(error) or type(error).__name__}") from error
        self.stdout.write(f"{run.told()}\nRefused lines are in {options['rejects']}." if run.refused else run.told())

    def _actor(self, email: str) -> User:
        actor = users.by_email(email) if email else users.first_admin()
        if actor is None:
            raise CommandError(
                f"There is no active user {email}." if email else "There is no active ADMIN. Seed first."
            )
        return actor

    def _mapped(self, options: dict[str, Any]) -> Mapped:
        columns = {}
        for item in options["column"]:
            name, _, header = item.partition("=")
            if name not in COLUMNS or not header:
                raise CommandError(f"--column {item}: write NAME=HEADER with one of {', '.join(COLUMNS)}.")
            columns[name] = header
        return Mapped(
            columns=columns,
            sku_pattern=settings.SKU_PATTERN,
            platform=Platform(options["platform"]),
            today=timezone.localdate(),
            credit_note_prefix=options["credit_note_prefix"],
            date_format=options["date_format"],
        )


class _Run:
    """One run over a file: its counts, its rejects file and its progress."""

    def __init__(self, source: TextIO, mapped: Mapped, rejects: TextIO, progress: Any) -> None:
        self.reader = Reader(source, mapped, self._reject)
        self.rejects = csv.writer(rejects)
        self.progress = progress
        self.sold = self.returned = self.known = 0
        self.refused: Counter[str] = Counter()
        self.started = time.monotonic()

    def book(self, seen: importing.Occurrences, actor: User, size: int) -> None:
        """Book every batch of the file."""
        self.rejects.writerow(["line", "reason", "text"])
        for batch in importing.batches(self.reader, size=size):
            outcome = importing.book(batch, seen=seen, actor=actor)
            self.sold += outcome.sold
            self.returned += outcome.returned
            self.known += outcome.known
            for line, reason in outcome.refused:
                self._reject(line.number, " | ".join(map(str, line[1:7])), reason)
            reset_queries()  # with DEBUG on, Django keeps every statement
            self.progress.write(f"{self.reader.lines_read:>12,} lines, {self._speed():,.0f} a second")

    def told(self) -> str:
        """Return the summary."""
        counts = [
            ("read", self.reader.lines_read),
            ("booked", self.sold),
            ("returned", self.returned),
            ("booked before", self.known),
            ("refused", self.refused.total()),
        ]
        lines = [f"{name:<24}{count:>12,}" for name, count in counts]
        lines += [f"  {reason:<22}{count:>12,}" for reason, count in self.refused.most_common()]
        lines.append(f"{'lines a second':<24}{self._speed():>12,.0f}")
        return "\n".join(lines)

    def _speed(self) -> float:
        return self.reader.lines_read / max(time.monotonic() - self.started, 1e-9)

    def _reject(self, number: int, text: str, reason: str) -> None:
        self.refused[reason] += 1
        self.rejects.writerow([number, reason, _harmless(text)])


def _harmless(text: str) -> str:
    """Keep a spreadsheet from taking the text of a rejected line for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _rejects(name: str, source: str) -> TextIO:
    """Open the rejects file ``name``, unless it is the file to be imported."""
    path = Path(name)
    if source != "-" and path.exists() and path.samefile(source):
        raise CommandError(f"--rejects {name}: this is the file to be imported.")
    try:
        return path.open("w", newline="", encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror}.") from error


def _text(name: str, encoding: str) -> TextIO:
    """Open ``name`` as text, unpacking gzip by its first bytes, from a file or standard input."""
    try:
        codecs.lookup(encoding)
        source: Any = sys.stdin.buffer if name == "-" else Path(name).open("rb")  # noqa: SIM115 - the caller closes it
    except LookupError as error:
        raise CommandError(f"--encoding {encoding}: {error}.") from error
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror}.") from error
    packed = source.peek(len(GZIP_MAGIC))[:2] == GZIP_MAGIC
    return io.TextIOWrapper(gzip.GzipFile(fileobj=source) if packed else source, encoding=encoding, newline="")
