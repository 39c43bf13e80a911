"""Bodies of the requests that record sales and returns."""

from typing import Annotated

import pydantic

from core.api.fields import Day, Id, Price, Reference, Units
from sales.models import Platform

MAX_LINES = 5_000


class SaleLine(pydantic.BaseModel):
    """One sold line. Price defaults to the product's, platform to DIRECT, date to today."""

    product_id: Id
    quantity: Units
    unit_price_usd: Price | None = None
    platform: Platform = Platform.DIRECT
    order_reference: Reference = ""
    sale_date: Day | None = None


class BulkSale(pydantic.BaseModel):
    """POST /api/inventory/bulk-sale."""

    items: Annotated[list[SaleLine], pydantic.Field(min_length=1, max_length=MAX_LINES)]


class Return(pydantic.BaseModel):
    """POST /api/inventory/return: units that came back; ``restock`` false keeps them off the shelf."""

    product_id: Id
    quantity: Units
    platform: Platform = Platform.DIRECT
    order_reference: Annotated[Reference, pydantic.Field(min_length=1)]
    restock: bool = True
