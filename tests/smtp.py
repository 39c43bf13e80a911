"""A real SMTP server on 127.0.0.1 that does what a test tells it to, good or bad."""

import asyncio
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from threading import Thread
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

HANG = "hang"  # never answer
CLOSE = "close"  # cut the connection
STEPS = ("CONNECT", "MAIL", "RCPT", "DATA")


class MailServer:
    """What the server got, and how it answers: ``faults`` has HANG, CLOSE or a refusal for steps of ``STEPS``.

    DATA is answered when the whole e-mail is there. ``refused`` are recipients without a mailbox.
    """

    def __init__(self, faults: Mapping[str, str], refused: tuple[str, ...]) -> None:
        assert set(faults) <= set(STEPS)
        self.faults = dict(faults)
        self.refused = refused
        self.port = 0
        self.connections = 0
        self.envelopes: list[Envelope] = []

    @property
    def mails(self) -> list[EmailMessage]:
        """The e-mails that were taken."""
        return [message_from_bytes(bytes(kept.content or b""), policy=policy.default) for kept in self.envelopes]

    async def handle_MAIL(self, server: SMTP, session: Session, envelope: Envelope, sender: str, options: Any) -> str:  # noqa: N802
        fault = await self._fault(server, "MAIL")
        if not fault:
            envelope.mail_from = sender
        return fault or "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, to: str, options: Any) -> str:  # noqa: N802
        fault = await self._fault(server, "RCPT")
        if not fault and to in self.refused:
            fault = "550 5.1.1 No such mailbox"
        if not fault:
            envelope.rcpt_tos.append(to)
        return fault or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        fault = self.faults.get("DATA", "")
        if fault in ("", HANG, CLOSE):
            self.envelopes.append(envelope)
        return await self._fault(server, "DATA") or "250 OK"

    async def _fault(self, server: SMTP, step: str) -> str:
        fault = self.faults.get(step, "")
        if fault == CLOSE:
            assert server.transport is not None
            server.transport.abort()
        if fault in (HANG, CLOSE):
            await asyncio.Event().wait()
        return fault


class _Protocol(SMTP):
    """Fails before the greeting, too."""

    async def _handle_client(self) -> None:
        self.event_handler.connections += 1
        fault = await self.event_handler._fault(self, "CONNECT")
        if not fault:
            await super()._handle_client()
            return
        assert self._writer is not None
        self._writer.write(f"{fault}\r\n".encode())
        self._writer.close()


@contextmanager
def mail_server(faults: Mapping[str, str] | None = None, *, refused: tuple[str, ...] = ()) -> Iterator[MailServer]:
    """Run a server while the block runs; its ``port`` is a free one."""
    kept = MailServer(faults or {}, refused)
    running: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        listening = await loop.create_server(lambda: _Protocol(kept, hostname="mail.test", loop=loop), "127.0.0.1", 0)
        kept.port = listening.sockets[0].getsockname()[1]
        running.set_result((loop, stop))
        await stop.wait()
        listening.close()

    thread = Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    loop, stop = running.result(10)
    try:
        yield kept
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
