"""What to order, product by product, from what the database knows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, TypedDict

import numpy as np
from django.db.models import Sum

from core import money
from inventory.models import Product, StockLevel
from planning import demand, explaining, reorder, settings
from planning.factory import Closure, Factory, Route
from planning.models import Holiday
from planning.reorder import Arrivals, Plan, Shelf, Terms, Urgency
from planning.selectors import demand as demands
from purchasing.models import OrderLine
from purchasing.selectors import incoming
from purchasing.selectors.incoming import Arrival
from purchasing.workflow import Stage

_COLUMNS = (
    "id", "internal_sku", "name", "price_usd", "units_per_carton", "carton_cbm", "carton_kg", "supplier_id",
    "supplier__name", "supplier__is_active", "supplier__lead_time_days", "supplier__moq", "stock_level__quantity",
    "stock_level__safety_stock_days",
)  # fmt: skip
_COVER_DAYS: int = StockLevel._meta.get_field("safety_stock_days").get_default()
_HUNDREDTH, _TENTH = Decimal("0.01"), Decimal("0.1")


class Suggestion(TypedDict):
    """What to order of one product. Quantities are units; ``quantity`` is what an order of today should be.

    ``quantity_arriving`` comes inside the interval that an order must last; ``quantity_on_order`` is all that is open,
    and ``quantity_in_drafts`` is on drafts, which are no commitment and count for nothing.
    """

    product_id: int
    internal_sku: str
    name: str
    supplier_id: int | None
    supplier_name: str | None
    urgency: Urgency
    order_by_date: date | None
    run_out_date: date | None
    arrival_date: date
    quantity: int
    quantity_needed: int
    cartons: int
    units_per_carton: int
    moq: int
    quantity_on_hand: int
    quantity_arriving: int
    quantity_on_order: int
    quantity_in_drafts: int
    daily_demand: Decimal
    method: str
    interval_days: int
    forecast_units: Decimal
    safety_stock: int
    safety_days: int
    cbm: Decimal | None
    kg: Decimal | None
    unit_price_usd: Decimal
    cost_usd: Decimal
    reason: str


class Row(NamedTuple):
    """One active product as it is read."""

    id: int
    sku: str
    name: str
    price_usd: Decimal
    units_per_carton: int | None
    carton_cbm: Decimal | None
    carton_kg: Decimal | None
    supplier_id: int | None
    supplier_name: str | None
    supplier_is_active: bool | None
    lead_time_days: int | None
    moq: int | None
    on_hand: int | None
    cover_days: int | None


@dataclass(frozen=True)
class Inputs:
    """All that a plan is made of, in the order of ``rows``."""

    rows: Sequence[Row]
    shelf: Shelf
    arrivals: Arrivals
    open: dict[int, list[Arrival]]
    methods: Sequence[str]
    season: demand.Season
    closures: Sequence[Closure]
    terms: Terms
    today: date

    def plan(self) -> Plan:
        """Return what follows for every row."""
        return reorder.plan(self.shelf, self.arrivals, season=self.season, terms=self.terms, today=self.today)


def suggestions(
    *, today: date, product_ids: Sequence[int] | None = None, supplier_id: int | None = None
) -> list[Suggestion]:
    """Return what to order of every active product, or of those named, the most pressing first.

    Sorted by order-by date, products without one last, then by SKU. The number of queries is the same for any number
    of products.
    """
    found = inputs(today=today, product_ids=product_ids, supplier_id=supplier_id)
    drafted = _in_drafts()
    plan = found.plan()
    made = [_suggestion(found, plan, place, drafted.get(row.id, 0)) for place, row in enumerate(found.rows)]
    return sorted(made, key=_most_pressing)


def inputs(
    *,
    today: date,
    product_ids: Sequence[int] | None = None,
    supplier_id: int | None = None,
    is_active: bool | None = True,
) -> Inputs:
    """Return what is known of every active product, or of those named; ``is_active`` None: of inactive ones too."""
    values, closures_by_country, season = settings.values(), _closures(), demands.season()
    rows = _rows(product_ids, supplier_id, is_active)
    is_part = product_ids is not None or supplier_id is not None
    ids = [row.id for row in rows]
    closures = closures_by_country.get(values.factory_country, [])
    opened = _open(ids)
    shelf, methods = _shelf(rows, season, ids if is_part else None, today, values.plan_horizon_days)
    terms = Terms(
        service_level=float(values.service_level),
        review_days=values.review_period_days,
        route=Route(values.transit_days, values.customs_days),
        lead_time_sigma_days=values.lead_time_sigma_days,
        horizon_days=values.plan_horizon_days,
        factory=Factory(closures),
    )
    return Inputs(rows, shelf, _dated(ids, opened, today), opened, methods, season, closures, terms, today)


def _rows(product_ids: Sequence[int] | None, supplier_id: int | None, is_active: bool | None) -> list[Row]:
    products = Product.objects.order_by("id")
    if is_active is not None:
        products = products.filter(is_active=is_active)
    if product_ids is not None:
        products = products.filter(pk__in=product_ids)
    if supplier_id is not None:
        products = products.filter(supplier_id=supplier_id)
    return [Row(*row) for row in products.values_list(*_COLUMNS)]


def _closures() -> dict[str, list[Closure]]:
    """Return when factories are closed, by country."""
    found: dict[str, list[Closure]] = {}
    days = Holiday.objects.filter(type=Holiday.Type.FACTORY_CLOSURE).order_by("start_date", "end_date")
    for country, first, last, name in days.values_list("country", "start_date", "end_date", "holiday_name"):
        found.setdefault(country, []).append(Closure(first, last, name))
    return found


def _open(ids: Iterable[int]) -> dict[int, list[Arrival]]:
    """Return by product what is on order; asked for only those of which something is, to keep the question short."""
    wanted = set(ids)
    some = incoming.products().order_by().values_list("id", flat=True)
    return incoming.arrivals([one for one in some if one in wanted])


def _in_drafts() -> dict[int, int]:
    lines = OrderLine.objects.filter(order__status=Stage.DRAFT, order__cancelled_at__isnull=True)
    return dict(lines.values_list("product_id").annotate(units=Sum("quantity")))


def _dated(ids: Sequence[int], opened: dict[int, list[Arrival]], today: date) -> Arrivals:
    found = [
        (place, (one.expected_date - today).days, one.quantity)
        for place, product_id in enumerate(ids)
        for one in opened.get(product_id, ())
        if one.expected_date is not None
    ]
    columns = np.array(found, dtype=np.int64).reshape(-1, 3)
    return Arrivals(columns[:, 0], columns[:, 1], columns[:, 2])


def _shelf(
    rows: Sequence[Row], season: demand.Season, ids: list[int] | None, today: date, horizon_days: int
) -> tuple[Shelf, list[str]]:
    """Return the columns of a plan, and the name of the method that each demand was found with."""
    known, history = demands.history(ids, today=today)
    forecast = demand.forecast(history, season, horizon_days=horizon_days)
    place = {product_id: number for number, product_id in enumerate(known)}
    at = np.array([place.get(row.id, -1) for row in rows], dtype=np.int64)
    labels = [method.label for method in demand.METHODS]
    shelf = Shelf(
        on_hand=_whole(row.on_hand or 0 for row in rows),
        production_days=_whole(_production_days(row) for row in rows),
        cover_days=_whole(_COVER_DAYS if row.cover_days is None else row.cover_days for row in rows),
        moq=_whole(row.moq or 0 for row in rows),
        units_per_carton=_whole(row.units_per_carton or 1 for row in rows),
        rate=_at(forecast.rate, at),
        sigma=_at(forecast.sigma, at),
        weeks=_at(forecast.weeks, at),
        is_intermittent=_at(forecast.is_intermittent, at).astype(np.bool_),
    )
    return shelf, [labels[int(number)] for number in _at(forecast.method, at)]


def _whole(values: Iterable[int]) -> reorder.Units:
    return np.fromiter(values, dtype=np.int64)


def _at(values: Any, at: reorder.Units) -> Any:
    """Return ``values`` in the order of the rows; a product without history has none."""
    column = np.append(np.asarray(values), 0)
    return column[at]


def _production_days(row: Row) -> int:
    return reorder.DEFAULT_PRODUCTION_DAYS if row.lead_time_days is None else row.lead_time_days


def _suggestion(found: Inputs, plan: Plan, place: int, in_drafts: int) -> Suggestion:
    row, today = found.rows[place], found.today
    cartons = int(plan.rounded.cartons[place])
    quantity = int(plan.rounded.units[place])
    interval = int(plan.interval[place])
    forecast = float(plan.forecast[place])
    order_by = int(plan.order_by[place])
    run_out = int(plan.run_out[place])
    return Suggestion(
        product_id=row.id,
        internal_sku=row.sku,
        name=row.name,
        supplier_id=row.supplier_id,
        supplier_name=row.supplier_name,
        urgency=plan.urgency[place],
        order_by_date=date.fromordinal(order_by) if order_by > 0 else None,
        run_out_date=None if run_out < 0 else today + timedelta(days=run_out),
        arrival_date=today + timedelta(days=int(plan.arrival[place])),
        quantity=quantity,
        quantity_needed=int(plan.needed[place]),
        cartons=cartons,
        units_per_carton=row.units_per_carton or 1,
        moq=row.moq or 0,
        quantity_on_hand=row.on_hand or 0,
        quantity_arriving=int(plan.supply[place]) - (row.on_hand or 0),
        quantity_on_order=sum(one.quantity for one in found.open.get(row.id, ())),
        quantity_in_drafts=in_drafts,
        daily_demand=_exact(forecast / interval, _HUNDREDTH),
        method=found.methods[place],
        interval_days=interval,
        forecast_units=_exact(forecast, _TENTH),
        safety_stock=int(plan.safety_stock[place]),
        safety_days=int(plan.safety_days[place]),
        cbm=None if row.carton_cbm is None else cartons * row.carton_cbm,
        kg=None if row.carton_kg is None else cartons * row.carton_kg,
        unit_price_usd=row.price_usd,
        cost_usd=money.cents(quantity * row.price_usd),
        reason=explaining.sentence(_case(found, plan, place, in_drafts)),
    )


def _case(found: Inputs, plan: Plan, place: int, in_drafts: int) -> explaining.Case:
    row, today = found.rows[place], found.today
    interval, forecast = int(plan.interval[place]), float(plan.forecast[place])
    order_by, run_out = int(plan.order_by[place]), int(plan.run_out[place])
    return explaining.Case(
        daily=forecast / interval,
        on_hand=row.on_hand or 0,
        arriving=int(plan.supply[place]) - (row.on_hand or 0),
        days=interval,
        forecast=forecast,
        reserve=int(plan.safety_stock[place]),
        needed=int(plan.needed[place]),
        quantity=int(plan.rounded.units[place]),
        adds_much=bool(plan.rounded.adds_much[place]),
        run_out=None if run_out < 0 else today + timedelta(days=run_out),
        order_by=date.fromordinal(order_by) if order_by > 0 else None,
        today=today,
        horizon=today + timedelta(days=found.terms.horizon_days),
        notes=_notes(row, found.open.get(row.id, ()), int(plan.rounded.units[place]), in_drafts),
    )


def _notes(row: Row, opened: Sequence[Arrival], quantity: int, in_drafts: int) -> list[str]:
    """Return what has to be known besides: what does not count as supply, and what is not set."""
    undated = sum(one.quantity for one in opened if one.expected_date is None)
    notes = [f"{undated:,} on order without a date do not count"] if undated else []
    if not quantity:
        return notes
    if in_drafts:
        notes.append(f"{in_drafts:,} are on drafts already")
    if row.supplier_id is None:
        notes.append(f"it has no supplier, so a lead time of {reorder.DEFAULT_PRODUCTION_DAYS} days is taken")
    elif not row.supplier_is_active:
        notes.append("its supplier is not active")
    if (row.lead_time_days or 0) > reorder.MAX_PRODUCTION_DAYS:
        notes.append(f"a lead time of {row.lead_time_days:,} days is taken for {reorder.MAX_PRODUCTION_DAYS}")
    if row.carton_cbm is None:
        notes.append("its volume is not known")
    return notes


def _exact(value: float, step: Decimal) -> Decimal:
    return Decimal(value).quantize(step)


def _most_pressing(one: Suggestion) -> tuple[date, str]:
    return one["order_by_date"] or date.max, one["internal_sku"]
