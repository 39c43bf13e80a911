"""Run the benchmark: ``make bench``, or a part: ``python -m tests.servers --durable -- python -m bench sale``.

Needs DATABASE_URL and REDIS_URL of servers that nobody else uses; makes databases of its own there and drops them.
"""

import argparse
import os
import sys
from collections.abc import Callable, Mapping

from bench import bulk, data, lists, planning, report, sale
from bench.server import EMAIL, PASSWORD, cores, environment


def main() -> int:
    """Measure, print the report and, after a full run, write it into docs/performance.md."""
    options = _options()
    server_url = os.environ["DATABASE_URL"]
    os.environ.update(environment())
    with data.template(server_url) as template_url:
        _prepare(template_url)
        for name in options.parts or _parts(options):
            text = _parts(options)[name]()
            print(f"\n## {name}\n\n{text}", flush=True)
            if options.write:
                report.publish(name, text)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=main.__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help="sale, bulk, lists, planning; all when none is named")
    parser.add_argument("--quick", action="store_true", help="short rounds and few rows: does it work?")
    parser.add_argument("--workers", type=int, default=max(2, cores()), help="processes of Godown; one a core")
    parser.add_argument("--no-write", dest="write", action="store_false", help="leave docs/performance.md alone")
    options = parser.parse_args()
    missing = [name for name in ("DATABASE_URL", "REDIS_URL") if not os.environ.get(name)]
    if missing:
        parser.error(f"{' and '.join(missing)} must name servers of this run: use `make bench`.")
    unknown = [part for part in options.parts if part not in _parts(options)]
    if unknown:
        parser.error(f"There is no part {unknown[0]!r}.")
    options.write = options.write and not options.quick
    return options


def _parts(options: argparse.Namespace) -> Mapping[str, Callable[[], str]]:
    server_url, redis_url = os.environ["DATABASE_URL"], os.environ["REDIS_URL"]
    given = {"workers": options.workers, "quick": options.quick}
    return {
        "sale": lambda: sale.measure(server_url, redis_url, **given),
        "bulk": lambda: bulk.measure(server_url, **given),
        "lists": lambda: lists.measure(server_url, **given),
        "planning": lambda: planning.measure(server_url, quick=options.quick),
    }


def _prepare(template_url: str) -> None:
    """Migrate the template and add the one user who signs in."""
    os.environ["DATABASE_URL"], server_url = template_url, os.environ["DATABASE_URL"]
    try:
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connections

        from accounts.models import User

        call_command("migrate", verbosity=0)
        user = User.objects.create_user(EMAIL, PASSWORD, role=User.Role.STAFF)
        assert user.pk == 1, "the raw statements name user 1"
        connections.close_all()
    finally:
        os.environ["DATABASE_URL"] = server_url


if __name__ == "__main__":
    sys.exit(main())
