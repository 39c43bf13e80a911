"""Tables, and the place in docs/performance.md where they go."""

from collections.abc import Sequence
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "performance.md"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def percent(share: float) -> str:
    """Return a share as percent, with a decimal where it is small."""
    return f"{share:.1%}" if share < 0.1 else f"{share:.0%}"


def milliseconds(seconds: float) -> str:
    """Return a duration in milliseconds."""
    return f"{seconds * 1000:.2f}" if seconds < 0.01 else f"{seconds * 1000:.1f}"


def publish(name: str, text: str) -> None:
    """Put ``text`` between the markers of section ``name``. Raises ValueError when they are missing."""
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, found, rest = DOCUMENT.read_text().partition(start)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"{DOCUMENT.name} has no place for {name}.")
    DOCUMENT.write_text(f"{before}{start}\n{text}\n{end}{after}")
