"""``python -m tests.fake_wise``: a pretended Wise for trying payments by hand."""

import argparse
import os
import shlex
import signal
import sys
import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.fake_wise import FakeWise, transfers, webhooks

KEY_FILE = Path(__file__).resolve().parents[2] / "var" / "fake-wise" / "key.pem"
WEBHOOK = "http://127.0.0.1:8000/webhooks/wise"
TICK = timedelta(seconds=1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM."""
    options = _options(arguments)
    stop = threading.Event()
    for wanted in (signal.SIGINT, signal.SIGTERM):
        signal.signal(wanted, lambda *_: stop.set())
    wise = FakeWise(key=options.key, webhook_url=options.webhook, signing_key=signing_key(options.key_file))
    try:
        wise.start(options.port)
    except OSError as error:
        sys.stderr.write(f"127.0.0.1:{options.port}: {error.strerror}. Choose another one with PORT.\n")
        return 1
    with wise:
        wise.add_recipient()
        sys.stdout.write(greeting(wise, options.auto))
        sys.stdout.flush()
        if options.auto:
            live(wise, stop, every=timedelta(seconds=options.every))
        stop.wait()
    return 0


def signing_key(file: Path) -> rsa.RSAPrivateKey:
    """Return the key in the file; make one there if there is none."""
    if file.exists():
        key = serialization.load_pem_private_key(file.read_bytes(), password=None)
        assert isinstance(key, rsa.RSAPrivateKey), f"{file} holds no RSA key: delete it."
        return key
    made = webhooks.own_key()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    form = serialization.PrivateFormat.PKCS8
    file.write_bytes(made.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return made


def greeting(wise: FakeWise, auto: bool) -> str:
    """Return what a person must know to use this fake."""
    settings = {"WISE_API_KEY": wise.key, "WISE_API_BASE": wise.base, "WISE_WEBHOOK_SECRET": wise.public_key_line}
    exports = "\n".join(f"export {name}={shlex.quote(value)}" for name, value in settings.items())
    clock = "Its clock runs, and what is paid for moves on by itself." if auto else "Its clock stands still."
    return f"""A pretended Wise listens on {wise.base}. No money moves. {clock}

Put this into the environment of Godown:
{exports}

Its company is profile {wise.profile_id}. Its webhooks go to {wise.webhook_url}.
  curl {wise.base}/fake/state
  curl {wise.base}/fake/transfers -d '{{"target_value": "3000.00"}}'
  curl {wise.base}/fake/transfers/ID/move -d '{{"state": "bounced_back"}}'
  curl {wise.base}/fake/clock -d '{{"advance_seconds": 1800}}'
  curl {wise.base}/fake/faults -d '{{"path": "/v1/transfers", "status": 429, "retry_after": 2}}'
  curl {wise.base}/fake/deliver -d '{{"twice": true}}'
"""


def live(wise: FakeWise, stop: threading.Event, *, every: timedelta) -> None:
    """Run the clock in real time, move what is paid for one state on each ``every``, and deliver, until ``stop``."""
    last, since_move = time.monotonic(), timedelta(0)
    while not stop.wait(TICK.total_seconds()):
        passed, last = timedelta(seconds=time.monotonic() - last), time.monotonic()
        wise.clock.advance(passed)
        since_move += passed
        if since_move >= every:
            since_move = timedelta(0)
            move_all(wise)
        for status in wise.deliver():
            sys.stdout.write(f"webhook: {status or 'no answer'}\n")
        sys.stdout.flush()


def move_all(wise: FakeWise) -> None:
    """Move every transfer that is paid for one state along the happy path."""
    with wise.lock:
        for transfer_id, facts in wise.facts.items():
            following = transfers.next_happy(wise.transfers[transfer_id]["status"])
            if facts.funded and following:
                wise.move(transfer_id, following)
                sys.stdout.write(f"transfer {transfer_id}: {following}\n")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fake_wise", description=__doc__)
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT") or 8090))
    parser.add_argument("--key", default="personal-token", help="the API token that it accepts")
    parser.add_argument("--webhook", default=WEBHOOK, metavar="URL", help=f"where its events go ({WEBHOOK})")
    parser.add_argument("--auto", action="store_true", help="run the clock and move transfers along by themselves")
    parser.add_argument("--every", type=float, default=5, metavar="SECONDS", help="with --auto: between two moves (5)")
    parser.add_argument("--key-file", type=Path, default=KEY_FILE, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
