"""What Wise sends by webhook: is it theirs, and what does it tell.

Signature, published keys and shapes: https://docs.wise.com/guides/developer/webhooks/event-handling and event-types,
read in 2026. The keys are the same as in the documentation of 2020. A message is a hint: whoever believes it reads the
transfer again.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

from core import cleaning
from purchasing.wise import answers, wire

PRODUCTION_KEY = """-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAvO8vXV+JksBzZAY6GhSO
XdoTCfhXaaiZ+qAbtaDBiu2AGkGVpmEygFmWP4Li9m5+Ni85BhVvZOodM9epgW3F
bA5Q1SexvAF1PPjX4JpMstak/QhAgl1qMSqEevL8cmUeTgcMuVWCJmlge9h7B1CS
D4rtlimGZozG39rUBDg6Qt2K+P4wBfLblL0k4C4YUdLnpGYEDIth+i8XsRpFlogx
CAFyH9+knYsDbR43UJ9shtc42Ybd40Afihj8KnYKXzchyQ42aC8aZ/h5hyZ28yVy
Oj3Vos0VdBIs/gAyJ/4yyQFCXYte64I7ssrlbGRaco4nKF3HmaNhxwyKyJafz19e
HwIDAQAB
-----END PUBLIC KEY-----
"""
SANDBOX_KEY = """-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAwpb91cEYuyJNQepZAVfP
ZIlPZfNUefH+n6w9SW3fykqKu938cR7WadQv87oF2VuT+fDt7kqeRziTmPSUhqPU
ys/V2Q1rlfJuXbE+Gga37t7zwd0egQ+KyOEHQOpcTwKmtZ81ieGHynAQzsn1We3j
wt760MsCPJ7GMT141ByQM+yW1Bx+4SG3IGjXWyqOWrcXsxAvIXkpUD/jK/L958Cg
nZEgz0BSEh0QxYLITnW1lLokSx/dTianWPFEhMC9BgijempgNXHNfcVirg1lPSyg
z7KqoKUN0oHqWLr2U1A+7kqrl6O2nx3CKs1bj1hToT1+p4kcMoHXA7kA+VBLUpEs
VwIDAQAB
-----END PUBLIC KEY-----
"""
_PUBLISHED = {"production": PRODUCTION_KEY, "sandbox": SANDBOX_KEY}
_MIN_BITS = 2048
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_DIGITS = re.compile(r"0*([1-9]\d{0,19})", re.ASCII)
_CONTROL = re.compile("[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Event:
    """What a message tells; empty or None where it tells nothing that can be read.

    ``told`` is the state that a transfer is in now, or the code of a failed payout. ``transfer_id`` is empty for a
    test, whatever it names, and for messages that are about no transfer.
    """

    event_type: str
    schema_version: str
    subscription_id: str
    profile_id: str
    transfer_id: str
    told: str
    occurred_at: datetime | None
    refund_amount: Decimal | None
    refund_currency: str
    description: str


def public_key(text: str) -> RSAPublicKey:
    """Return the key that ``text`` means: "production", "sandbox", a PEM, or one line of base64 DER.

    Raises ValueError for anything else, and for an RSA key below 2048 bits.
    """
    text = _PUBLISHED.get(text.strip().lower(), text).strip().replace("\\n", "\n")
    try:
        if text.startswith("-----BEGIN"):
            key = load_pem_public_key(text.encode())
        else:
            key = load_der_public_key(base64.b64decode(text, validate=True))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPublicKey) or key.key_size < _MIN_BITS:
        raise ValueError('Needed is "production", "sandbox", or a public RSA key of 2048 bits as PEM or base64.')
    return key


def verify(raw: bytes, signature: str, *, key: RSAPublicKey) -> bool:
    """Whether ``signature`` (base64, the header X-Signature-SHA256) was made for these very bytes. Never raises."""
    try:
        key.verify(base64.b64decode(signature, validate=True), raw, PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, ValueError, TypeError):
        return False
    return True


def parse(raw: bytes, *, is_test: bool) -> Event:
    """Read a message of any type and version. Raises ValueError for what is no JSON object.

    State changes and refunds name their transfer in ``data.resource``, failed payouts in ``data`` itself. The refund's
    amount is documented nowhere; ``data.resource.refund_amount`` is how other users of Wise read it.
    """
    message = wire.loads(raw)
    if not isinstance(message, dict):
        raise ValueError("A message is a JSON object.")
    data = _object(message, "data")
    resource = _object(data, "resource")
    return Event(
        event_type=_text(message, "event_type", 64),
        schema_version=_text(message, "schema_version", 16),
        subscription_id=_text(message, "subscription_id", 64),
        profile_id=_id(resource, "profile_id") or _id(data, "profile_id"),
        transfer_id="" if is_test else _transfer_id(data, resource),
        told=_text(data, "current_state", 64) or _text(data, "failure_reason_code", 64),
        occurred_at=_moment(data.get("occurred_at")),
        refund_amount=_amount(resource.get("refund_amount")),
        refund_currency=_currency(resource.get("refund_currency")),
        description=_description(data),
    )


def _object(holder: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = holder.get(name)
    return found if isinstance(found, dict) else {}


def _text(holder: Mapping[str, object], name: str, limit: int) -> str:
    found = holder.get(name)
    return _CONTROL.sub("", found)[:limit] if isinstance(found, str) else ""


def _id(holder: Mapping[str, object], name: str) -> str:
    """Return the id's digits. One that is too long is dropped, not cut: it would be somebody else's."""
    found = holder.get(name)
    text = str(found) if isinstance(found, (int, str)) and not isinstance(found, bool) else ""
    digits = _DIGITS.fullmatch(text)
    return digits[1] if digits else ""


def _transfer_id(data: Mapping[str, object], resource: Mapping[str, object]) -> str:
    """Return whose message it is; a resource of another type, such as a balance, has ids of its own."""
    is_transfer = resource.get("type", "transfer") == "transfer"
    return (_id(resource, "id") if is_transfer else "") or _id(data, "transfer_id")


def _moment(value: object) -> datetime | None:
    try:
        return answers.moment(value)
    except ValueError:
        return None


def _amount(value: object) -> Decimal | None:
    try:
        return answers.number(value)
    except ValueError:
        return None


def _currency(value: object) -> str:
    return value if isinstance(value, str) and _CURRENCY.fullmatch(value) else ""


def _description(data: Mapping[str, object]) -> str:
    found = data.get("failure_description")
    cases = data.get("active_cases")
    if isinstance(cases, list):
        found = ", ".join(case for case in cases[:10] if isinstance(case, str))
    return cleaning.text(found[:300]) if isinstance(found, str) else ""
