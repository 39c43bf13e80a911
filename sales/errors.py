"""What sales can refuse."""

from core.errors import InvalidInput, Refused


class ReturnExceedsSale(Refused):
    """More units would come back than were sold under the order reference."""

    code = "return_exceeds_sale"

    def __init__(self, sku: str, *, requested: int, sold: int, order_reference: str, platform: str) -> None:
        super().__init__(
            f"{sku}: {requested} units cannot come back, {sold} are sold and not returned"
            f" under {order_reference} on {platform}.",
            sku=sku,
            requested=requested,
            sold=sold,
        )


class FutureSale(InvalidInput):
    """A sale is dated after today."""

    code = "future_sale"

    def __init__(self, lines: list[int]) -> None:
        super().__init__("A sale cannot be dated after today.", lines=lines)
