"""How goods fill containers, and what less than a container is charged for."""

from decimal import Decimal
from math import ceil
from typing import NamedTuple

_CM3_IN_M3 = 1_000_000
_KG_IN_TONNE = 1_000


class Container(NamedTuple):
    """What a container holds when cartons are loaded one by one."""

    name: str
    cbm: Decimal
    tonnes: Decimal


CONTAINERS = (
    Container("20'", Decimal(26), Decimal(22)),
    Container("40'", Decimal(56), Decimal(24)),
    Container("40'HC", Decimal(64), Decimal(24)),
)
LARGEST = CONTAINERS[-1]


class Load(NamedTuple):
    """Containers of one kind that hold a load, and how full they are: 1 is full by volume or by weight."""

    container: str
    number: int
    filled: Decimal


def carton_cbm(length_cm: Decimal | int, width_cm: Decimal | int, height_cm: Decimal | int) -> Decimal:
    """Return the m³ of a carton."""
    return Decimal(length_cm) * Decimal(width_cm) * Decimal(height_cm) / _CM3_IN_M3


def tonnes(kg: Decimal | int) -> Decimal:
    """Return kg in tonnes."""
    return Decimal(kg) / _KG_IN_TONNE


def load(cbm: Decimal, kg: Decimal | int) -> Load:
    """Return the smallest container that holds the goods by volume and by weight, or as many of the largest as do."""
    fitting = (one for one in CONTAINERS if cbm <= one.cbm and tonnes(kg) <= one.tonnes)
    chosen = next(fitting, LARGEST)
    share = max(cbm / chosen.cbm, tonnes(kg) / chosen.tonnes)
    number = max(1, ceil(share))
    return Load(chosen.name, number, (share / number).quantize(Decimal("0.01")))


def lcl_charged(cbm: Decimal, kg: Decimal | int) -> Decimal:
    """Return the units that less than a container is charged for: the greater of m³ and tonnes, at least one."""
    return max(cbm, tonnes(kg), Decimal(1))
