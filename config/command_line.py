"""The command line, as an origin of changes."""

from django.core.management import execute_from_command_line

from core.operations import Origin, acting_from

LENGTH = 512  # of audit_log.user_agent


def run(arguments: list[str]) -> None:
    """Run a management command; the audit log tells which one it was, also of Django's own."""
    name = arguments[1] if len(arguments) > 1 else "help"
    with acting_from(Origin(user_agent=f"manage.py {name}"[:LENGTH])):
        execute_from_command_line(arguments)
