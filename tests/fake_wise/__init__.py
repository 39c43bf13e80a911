"""A pretended Wise, for tests and for trying payments by hand (``make fake-wise``).

It speaks HTTP as docs.wise.com describes it, on 127.0.0.1 only, and its clock moves only when it is told to.
"""

from tests.fake_wise.answers import Seen
from tests.fake_wise.clock import Clock
from tests.fake_wise.fake import FakeWise
from tests.fake_wise.faults import AfterWork, Body, Drop, Fault, Half, Hang, Redirect, Slow, Status
from tests.fake_wise.webhooks import Delivery

__all__ = [
    "AfterWork",
    "Body",
    "Clock",
    "Delivery",
    "Drop",
    "FakeWise",
    "Fault",
    "Half",
    "Hang",
    "Redirect",
    "Seen",
    "Slow",
    "Status",
]
