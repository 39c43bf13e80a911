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

Day = tuple[int, int]  # month and day
HolidayRow = tuple[str, str, str, date, date]
YEARS = (2026, 2027, 2028)


def _each_year(country: str, name: str, kind: str, first: Day, last: Day | None = None) -> list[HolidayRow]:
    return [(country, name, kind, date(year, *first), date(year, *(last or first))) for year in YEARS]


# China. 2026 is the State Council's: Notice on the Arrangement of Some Holidays in 2026, General Office, 4 November
# 2025 (Spring Festival there: 15 to 23 February). Later years follow the rule of its notice for 2025 (Guobanfadian
# [2024] No. 12): Labour Day five days, National Day seven from 1 October. Of their short festivals, which move with
# moon and sun, nothing was published that could be read, so they are left out.
# At Chinese New Year factories close for longer than the country: about two weeks before its first day (17 February
# 2026, 6 February 2027, 26 January 2028 by the Hong Kong Observatory's tables) to two weeks after. Theirs are usual
# days of Guangdong; ask the factory, and edit them.
_CHINA: list[HolidayRow] = [
    ("CN", "New Year's Day", "FACTORY_CLOSURE", date(2026, 1, 1), date(2026, 1, 3)),
    ("CN", "Chinese New Year", "FACTORY_CLOSURE", date(2026, 2, 7), date(2026, 3, 3)),
    ("CN", "Qingming Festival", "FACTORY_CLOSURE", date(2026, 4, 4), date(2026, 4, 6)),
    ("CN", "Dragon Boat Festival", "FACTORY_CLOSURE", date(2026, 6, 19), date(2026, 6, 21)),
    ("CN", "Mid-Autumn Festival", "FACTORY_CLOSURE", date(2026, 9, 25), date(2026, 9, 27)),
    ("CN", "Chinese New Year", "FACTORY_CLOSURE", date(2027, 1, 23), date(2027, 2, 21)),
    ("CN", "Chinese New Year", "FACTORY_CLOSURE", date(2028, 1, 16), date(2028, 2, 9)),
    *_each_year("CN", "Labour Day", "FACTORY_CLOSURE", (5, 1), (5, 5)),
    *_each_year("CN", "National Day", "FACTORY_CLOSURE", (10, 1), (10, 7)),
]

# Thailand: the days with a fixed date among the Bank of Thailand's holidays of financial institutions. Its Buddhist
# days, which follow the moon, and the substitutes for days on a weekend are published year by year, and are left out.
_THAILAND: list[HolidayRow] = [
    row
    for name, first, last in (
        ("New Year's Day", (1, 1), (1, 1)),
        ("Chakri Memorial Day", (4, 6), (4, 6)),
        ("Songkran, public holiday", (4, 13), (4, 15)),
        ("National Labour Day", (5, 1), (5, 1)),
        ("Coronation Day", (5, 4), (5, 4)),
        ("The Queen's Birthday", (6, 3), (6, 3)),
        ("The King's Birthday", (7, 28), (7, 28)),
        ("National Mother's Day", (8, 12), (8, 12)),
        ("King Bhumibol Memorial Day", (10, 13), (10, 13)),
        ("Chulalongkorn Memorial Day", (10, 23), (10, 23)),
        ("National Day and Father's Day", (12, 5), (12, 5)),
        ("Constitution Day", (12, 10), (12, 10)),
        ("New Year's Eve", (12, 31), (12, 31)),
    )
    for row in _each_year("TH", name, "FACTORY_CLOSURE", first, last)
]

# When people buy more: presents for Songkran and for Children's Day (the second Saturday of January), and the two
# greatest sale days of Shopee and Lazada.
_DEMAND: list[HolidayRow] = [
    ("TH", "National Children's Day", "HIGH_DEMAND", date(2026, 1, 10), date(2026, 1, 10)),
    ("TH", "National Children's Day", "HIGH_DEMAND", date(2027, 1, 9), date(2027, 1, 9)),
    ("TH", "National Children's Day", "HIGH_DEMAND", date(2028, 1, 8), date(2028, 1, 8)),
    *_each_year("TH", "Songkran", "HIGH_DEMAND", (4, 13), (4, 15)),
    *_each_year("TH", "11.11 sale", "HIGH_DEMAND", (11, 11)),
    *_each_year("TH", "12.12 sale", "HIGH_DEMAND", (12, 12)),
]

HOLIDAYS = [*_CHINA, *_THAILAND, *_DEMAND]
