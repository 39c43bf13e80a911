"""What ``manage.py seed`` puts into an empty database. Invented, but for the holidays."""

from datetime import date
from decimal import Decimal
from typing import Any

SUPPLIER: dict[str, Any] = {
    "name": "Bright Blocks Toys",
    "legal_name": "Shantou Bright Blocks Toys Co., Ltd.",
    "address": "Chenghai District, Shantou, Guangdong, China",
    "payment_terms": "30 % deposit, 70 % before shipment",
    "lead_time_days": 45,
    "moq": 100,
}
CONTACTS: list[dict[str, str]] = [
    {"name": "Lin Mei", "role": "Sales", "platform": "WECHAT", "contact_value": "brightblocks-lin"},
    {"name": "Chen Wei", "role": "Production", "platform": "EMAIL", "contact_value": "chen@factory.example"},
]
BANK_ACCOUNT: dict[str, str] = {
    "holder": "Shantou Bright Blocks Toys Co., Ltd.",
    "bank_name": "Example Bank of Guangdong",
    "swift": "EXAMCNBS",
    "account_number": "6222000000001234",
    "currency": "USD",
}


def _kit(
    sku: str, name: str, price: str, *, ages: tuple[int, int], carton: tuple[int, str], best: bool = False
) -> dict[str, Any]:
    return {
        "internal_sku": f"LUMI-{sku}",
        "supplier_sku": f"BB-{sku}",
        "name": name,
        "price_usd": Decimal(price),
        "age_range_start": ages[0],
        "age_range_end": ages[1],
        "units_per_carton": carton[0],
        "carton_cbm": Decimal(carton[1]),
        "carton_kg": Decimal("9.500"),
        "is_best_seller": best,
    }


PRODUCTS: list[dict[str, Any]] = [
    _kit("0003M", "Play kit 0 to 3 months", "11.50", ages=(0, 3), carton=(12, "0.0620")),
    _kit("0306M", "Play kit 3 to 6 months", "12.40", ages=(3, 6), carton=(12, "0.0620"), best=True),
    _kit("0609M", "Play kit 6 to 9 months", "13.20", ages=(6, 9), carton=(12, "0.0680"), best=True),
    _kit("0912M", "Play kit 9 to 12 months", "13.80", ages=(9, 12), carton=(10, "0.0680")),
    _kit("1215M", "Play kit 12 to 15 months", "14.60", ages=(12, 15), carton=(10, "0.0720")),
    _kit("1518M", "Play kit 15 to 18 months", "15.10", ages=(15, 18), carton=(8, "0.0720")),
    _kit("1824M", "Play kit 18 to 24 months", "16.90", ages=(18, 24), carton=(8, "0.0810"), best=True),
    _kit("2436M", "Play kit 24 to 36 months", "18.00", ages=(24, 36), carton=(6, "0.0810")),
]

# January to December; the mean is 1.
SEASON = [
    Decimal(m) for m in ("0.90", "0.85", "0.90", "0.95", "0.90", "0.90", "0.95", "1.00", "1.05", "1.10", "1.25", "1.25")
]

# The first day of the Chinese year by the Hong Kong Observatory's calendar tables; factories close about a week
# before and reopen two to three weeks after, so the closures are the days usual in Guangdong and may be edited.
HOLIDAYS: list[tuple[str, str, str, date, date]] = [
    ("CN", "Chinese New Year", "FACTORY_CLOSURE", date(2026, 2, 7), date(2026, 3, 3)),
    ("CN", "Chinese New Year", "FACTORY_CLOSURE", date(2027, 1, 23), date(2027, 2, 21)),
    ("CN", "Chinese New Year", "FACTORY_CLOSURE", date(2028, 1, 16), date(2028, 2, 9)),
    ("CN", "National Day", "FACTORY_CLOSURE", date(2026, 10, 1), date(2026, 10, 7)),
    ("CN", "National Day", "FACTORY_CLOSURE", date(2027, 10, 1), date(2027, 10, 7)),
    ("CN", "National Day", "FACTORY_CLOSURE", date(2028, 10, 1), date(2028, 10, 7)),
    ("CN", "Labour Day", "FACTORY_CLOSURE", date(2026, 5, 1), date(2026, 5, 5)),
    ("CN", "Labour Day", "FACTORY_CLOSURE", date(2027, 5, 1), date(2027, 5, 5)),
    ("CN", "Labour Day", "FACTORY_CLOSURE", date(2028, 5, 1), date(2028, 5, 5)),
    ("TH", "Songkran", "HIGH_DEMAND", date(2026, 4, 13), date(2026, 4, 15)),
    ("TH", "Songkran", "HIGH_DEMAND", date(2027, 4, 13), date(2027, 4, 15)),
    ("TH", "Songkran", "HIGH_DEMAND", date(2028, 4, 13), date(2028, 4, 15)),
    ("TH", "11.11 sale", "HIGH_DEMAND", date(2026, 11, 11), date(2026, 11, 11)),
    ("TH", "11.11 sale", "HIGH_DEMAND", date(2027, 11, 11), date(2027, 11, 11)),
    ("TH", "11.11 sale", "HIGH_DEMAND", date(2028, 11, 11), date(2028, 11, 11)),
    ("TH", "12.12 sale", "HIGH_DEMAND", date(2026, 12, 12), date(2026, 12, 12)),
    ("TH", "12.12 sale", "HIGH_DEMAND", date(2027, 12, 12), date(2027, 12, 12)),
    ("TH", "12.12 sale", "HIGH_DEMAND", date(2028, 12, 12), date(2028, 12, 12)),
]
