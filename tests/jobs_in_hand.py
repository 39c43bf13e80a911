"""A job for a real worker (``celery --include tests.jobs_in_hand``) that takes exactly as long as a test wants."""

from pathlib import Path

from celery import shared_task


@shared_task(name="tests.hold")
def hold(folder: str) -> None:
    """Tell through one pipe that it has begun, and wait at the other until it is let go."""
    Path(folder, "begun").write_text("begun\n")
    Path(folder, "go").read_text()
    Path(folder, "done").touch()
