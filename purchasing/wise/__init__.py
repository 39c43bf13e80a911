"""Wise over HTTP: a typed client that knows no models, no settings and no database."""

from purchasing.wise.answers import Funding, PaymentOption, Profile, Quote, Recipient, Transfer
from purchasing.wise.client import Wise
from purchasing.wise.errors import (
    ApprovalNeeded,
    NotPermitted,
    RateLimited,
    RefusedByWise,
    UnknownToWise,
    Unreachable,
    WiseError,
)

__all__ = [
    "ApprovalNeeded",
    "Funding",
    "NotPermitted",
    "PaymentOption",
    "Profile",
    "Quote",
    "RateLimited",
    "Recipient",
    "RefusedByWise",
    "Transfer",
    "UnknownToWise",
    "Unreachable",
    "Wise",
    "WiseError",
]
