"""Who may do what: the one table of rights, used by API, pages and admin alike."""

from enum import StrEnum

from django.db.models import TextChoices


class Role(TextChoices):
    """What a user is."""

    ADMIN = "ADMIN", "Administrator"
    STAFF = "STAFF", "Office staff"
    BUYER = "BUYER", "Buyer"
    SYNC = "SYNC", "Marketplace sync"
    VIEWER = "VIEWER", "Viewer"


class Right(StrEnum):
    """What a user may do. Verbs that read begin with VIEW."""

    VIEW_CATALOGUE = "view_catalogue"
    CHANGE_CATALOGUE = "change_catalogue"
    VIEW_STOCK = "view_stock"
    RECEIVE_STOCK = "receive_stock"
    COUNT_STOCK = "count_stock"
    VIEW_SALES = "view_sales"
    RECORD_SALES = "record_sales"
    VIEW_ORDERS = "view_orders"
    CHANGE_ORDERS = "change_orders"
    VIEW_PAYMENTS = "view_payments"
    CHANGE_PAYMENTS = "change_payments"
    # Have Wise create, fund or cancel a transfer: the only right with which money leaves the house.
    MOVE_MONEY = "move_money"
    VIEW_PLANNING = "view_planning"
    CHANGE_PLANNING = "change_planning"
    CHANGE_SETTINGS = "change_settings"
    # Purchase prices and every amount that tells them: totals, values, margins, and sale prices, which default to them.
    VIEW_COST = "view_cost"
    # The bank accounts of suppliers: masked in lists, in full on request, and that is recorded.
    VIEW_BANK_DETAILS = "view_bank_details"
    CHANGE_BANK_DETAILS = "change_bank_details"
    VIEW_AUDIT = "view_audit"
    USE_OFFICE = "use_office"
    MANAGE_USERS = "manage_users"


_READS = frozenset(
    {
        Right.VIEW_CATALOGUE,
        Right.VIEW_STOCK,
        Right.VIEW_SALES,
        Right.VIEW_ORDERS,
        Right.VIEW_PAYMENTS,
        Right.VIEW_PLANNING,
    }
)
_BUYS = _READS | {
    Right.VIEW_COST,
    Right.CHANGE_CATALOGUE,
    Right.CHANGE_ORDERS,
    Right.CHANGE_PAYMENTS,
    Right.CHANGE_PLANNING,
    Right.RECEIVE_STOCK,
    Right.COUNT_STOCK,
}
_BUSINESS = frozenset(Right) - {Right.MANAGE_USERS}

RIGHTS: dict[str, frozenset[Right]] = {
    Role.ADMIN: frozenset(Right),
    Role.STAFF: _BUSINESS,
    Role.BUYER: _BUYS,
    Role.SYNC: frozenset({Right.VIEW_STOCK, Right.RECORD_SALES}),
    Role.VIEWER: _READS,
}


def of(role: str) -> frozenset[Right]:
    """Return the rights of ``role``; an unknown role has none."""
    return RIGHTS.get(role, frozenset())
