"""Bodies of the requests that move stock: up to 5,000 lines, checked by pydantic in a millisecond or two."""

from typing import Annotated

import pydantic

from core.api.fields import Count, Id, Reference, Text, Units

MAX_LINES = 5_000


class ReceiveLine(pydantic.BaseModel):
    """Units of one product that arrived."""

    product_id: Id
    quantity: Units


class ReceiveShipment(pydantic.BaseModel):
    """POST /api/inventory/receive-shipment."""

    items: Annotated[list[ReceiveLine], pydantic.Field(min_length=1, max_length=MAX_LINES)]
    shipment_reference: Reference = ""


class Adjust(pydantic.BaseModel):
    """POST /api/inventory/adjust: ``quantity`` is what was counted."""

    product_id: Id
    quantity: Count
    reason: Text = ""
