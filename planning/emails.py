"""The e-mail about a product that runs out: what it says, and handing it to the mail server."""

import contextlib
import logging
import smtplib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend
from django.template.loader import render_to_string
from django.urls import reverse

from core import cleaning
from core.errors import Unavailable
from inventory.models import StockStatus, status_of

log = logging.getLogger("godown.alerts")

NOT_NOW = 421  # "Service not available, closing transmission channel" (RFC 5321)


class MailFailed(Unavailable):
    """An e-mail was not sent, or nobody knows whether it was."""

    code = "mail_failed"


class MailRefused(MailFailed):
    """The server did not take this e-mail; it may take others."""


class MailServerDown(MailFailed):
    """The server takes no e-mail from us now: it is away, refuses the sender, or refuses every recipient."""


class MailOutcomeUnknown(MailFailed):
    """The server got the whole e-mail and then said nothing: it may have been delivered."""


@dataclass(frozen=True)
class LowStock:
    """What is told of a product that runs out. ``days_left`` is None when nothing was sold in 90 days."""

    product_id: int
    sku: str
    name: str
    quantity: int
    reorder_point: int
    days_left: Decimal | None

    @property
    def sku_line(self) -> str:
        """The SKU on one line, whatever is stored."""
        return _line(self.sku)

    @property
    def name_line(self) -> str:
        """The name, likewise."""
        return _line(self.name)

    @property
    def title(self) -> str:
        """SKU and name; the subject takes no line feed."""
        return f"{self.sku_line} {self.name_line}"

    @property
    def is_out(self) -> bool:
        """Whether the shelf is empty."""
        return status_of(self.quantity, self.reorder_point) is StockStatus.OUT_OF_STOCK

    @property
    def until_stockout(self) -> str:
        """The days until stock-out, in words where no number tells it."""
        if self.is_out:
            return "0, it has run out"
        return "never at the present rate" if self.days_left is None else f"{self.days_left:f}"

    @property
    def sentence(self) -> str:
        """All of it in one plain sentence."""
        state = "out of stock" if self.is_out else "low"
        return (
            f"{self.title} is {state}: {self.quantity} on hand, reorder point {self.reorder_point}, "
            f"days until stock-out: {self.until_stockout}."
        )


def low_stock(alert: LowStock, *, to: Sequence[str]) -> EmailMultiAlternatives:
    """Return the e-mail about ``alert``, as text and as HTML."""
    facts = {
        "alert": alert,
        "order_url": _address("order-new", product=alert.product_id),
        "stock_url": _address("admin:inventory_stocklevel_changelist", q=alert.sku),
    }
    subject = f"{'Out of stock' if alert.is_out else 'Low stock'}: {alert.title}"
    text = render_to_string("emails/low_stock.txt", facts)
    # Programs that answer e-mails for people who are away leave these alone (RFC 3834).
    headers = {"Auto-Submitted": "auto-generated"}
    message = EmailMultiAlternatives(subject, text, None, list(to), headers=headers)
    message.attach_alternative(render_to_string("emails/low_stock.html", facts), "text/html")
    return message


def send_low_stock(alert: LowStock, *, to: Sequence[str]) -> None:
    """Send one e-mail about ``alert`` to all of ``to``. Raises MailRefused, MailServerDown or MailOutcomeUnknown."""
    connection = _connection()
    try:
        _deliver(connection, low_stock(alert, to=to))
    except ValueError as error:  # an address or a header that no e-mail can have
        raise MailRefused(_short(str(error))) from error
    finally:
        with contextlib.suppress(OSError):  # a server that does not say goodbye has the e-mail all the same
            connection.close()


def _deliver(connection: BaseEmailBackend, message: EmailMultiAlternatives) -> None:
    try:
        connection.open()
        connection.send_messages([message])
    except OSError as error:  # smtplib's own errors are of this kind, too
        raise _meaning(error, connection)(_short(_reason(error))) from error


def _meaning(error: OSError, connection: BaseEmailBackend) -> type[MailFailed]:
    if isinstance(error, smtplib.SMTPDataError):
        return MailServerDown if error.smtp_code == NOT_NOW else MailRefused
    server = getattr(connection, "connection", None)
    return MailOutcomeUnknown if getattr(server, "has_it_all", False) else MailServerDown


class _Server(smtplib.SMTP):
    """Knows whether the server got a whole e-mail, and tells of recipients that were refused beside others."""

    has_it_all = False

    def send(self, s: Any) -> None:
        """Send ``s``; commands are text, and only the e-mail with its closing dot is bytes."""
        super().send(s)
        self.has_it_all = isinstance(s, bytes)

    def sendmail(self, *given: Any, **named: Any) -> dict[str, tuple[int, bytes]]:
        """Send an e-mail and return who does not get it."""
        refused = super().sendmail(*given, **named)
        for address, answer in refused.items():
            log.warning("the mail server refuses %s: %s", address, _short(_answer(*answer)))
        return refused


class _Backend(EmailBackend):
    """Django's own, over a connection that knows more."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _Server


def _connection() -> BaseEmailBackend:
    configured = get_connection()
    return _Backend() if type(configured) is EmailBackend else configured


def _address(name: str, **query: object) -> str:
    """Return the address of a page as people type it; never from a request's Host header."""
    return f"{settings.APP_BASE_URL}{reverse(name)}?{urlencode(query)}"


def _reason(error: OSError) -> str:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(f"{address}: {_answer(*answer)}" for address, answer in error.recipients.items())
    if isinstance(error, smtplib.SMTPResponseException):
        return _answer(error.smtp_code, error.smtp_error)
    return str(error) or type(error).__name__


def _answer(code: int, text: bytes | str) -> str:
    return f"{code} {text.decode(errors='replace') if isinstance(text, bytes) else text}"


def _short(text: str) -> str:
    return _line(text)[:300]


def _line(text: str) -> str:
    """Return ``text`` on one line. Split again after cleaning, which may find a line feed behind an entity."""
    return " ".join(cleaning.text(" ".join(text.split())).split())
