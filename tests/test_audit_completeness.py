"""Every public operation leaves its rows in the audit log: what it did to the database is compared with what is told.

``OPERATIONS`` names each of them with something to do. An operation that is not there, or a row that is not told of, is
red.
"""

import ast
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest
from auditlog.registry import auditlog

from accounts import audit
from accounts.models import AuditLog, User
from accounts.rights import Role
from accounts.services import authentication, mfa, users
from core import operations
from inventory.models import Product
from inventory.services import ledger, products, suppliers
from planning.services import calendar, drafts, notifications
from planning.services import settings as planning_settings
from purchasing.models import MilestoneType, Payment
from purchasing.services import orders, payments, receipts, recipients, shipments, tracking, transfers, wise_inbox
from purchasing.workflow import Stage
from sales.services import importing, recording
from tests.codes import code_of, enable_mfa
from tests.factories import PASSWORD, make_order, make_product, make_supplier, make_user, sell
from tests.planning_factories import make_holiday, make_notification

ROOT = Path(__file__).resolve().parents[1]
NOW = datetime(2026, 6, 15, 3, 0, tzinfo=UTC)
DAY = date(2026, 6, 15)
NEW = "another good battery"
SWIFT = {
    "legalType": "BUSINESS",
    "swiftCode": "BKCHCNBJ",
    "address": {"country": "CN", "city": "Shenzhen", "firstLine": "1 Factory Road", "postCode": "518000"},
}
NEWEST_KEY = "bmV3LWtleS1uZXcta2V5LW5ldy1rZXktbmV3LWtleSE="

# Parts of other operations, which run them.
PARTS = {
    "purchasing.numbering.next_number",  # a counter, no business table
    "purchasing.receipts.receive_all_unless_received",
    "sales.recording.write",
    "inventory.ledger.book",
}
# What is told although no audited column differs.
BEYOND = {
    "accounts.mfa.renew_recovery_codes": {("totp_devices", "UPDATE")},
    "accounts.mfa.disable": {("totp_devices", "UPDATE")},
    "accounts.mfa.prove_at_sign_in": {("totp_devices", "UPDATE")},
    "accounts.mfa.encrypt_with_newest_key": {("totp_devices", "UPDATE")},
    "accounts.users.unlock": {("totp_devices", "UPDATE")},
    "inventory.suppliers.encrypt_with_newest_key": {("supplier_bank_accounts", "UPDATE")},
    "inventory.suppliers.reveal_account_number": {("supplier_bank_accounts", "UPDATE")},
}
# What leaves nothing in a business table.
SILENT = {
    "accounts.authentication.begin",
    "accounts.authentication.sign_out",
    "accounts.users.end_sign_ins",
    "purchasing.wise_inbox.keep",  # what Wise tells is an inbox; what is done about it is told
}


def shipped(day):
    return shipments.Mark(MilestoneType.SHIPPED, actual_date=date(2026, 6, day))


def arrived(on):
    return shipments.Mark(MilestoneType.ARRIVED, actual_date=on)


class World:
    """What operations work on; each attribute is made when it is asked for."""

    def __init__(self, actor, fake_wise):
        self.actor = actor
        self.fake_wise = fake_wise
        self.kit = make_product(on_hand=50)
        self.supplier = make_supplier(contacts=[{"name": "Li", "contact_value": "li"}])
        self.contact = self.supplier.contacts.get()
        self.account = suppliers.add_bank_account(
            self.supplier.pk, holder="F", bank_name="B", account_number="12345678", actor=actor
        )
        self.order = make_order(orders.Line(self.kit.pk, 5), supplier=self.supplier)
        sent = make_order(stage=Stage.SENT)
        self.shipment = shipments.create(sent.pk, milestones=[shipped(1)], today=DAY, actor=actor)
        self.payment = self.pay()
        self.person = make_user(Role.STAFF)
        self.codes = enable_mfa(self.person)
        self.service, _ = users.create_service("shop@example.net", actor=actor)
        self.sign_in = authentication.begin(actor=actor)
        sell(self.kit, 4, reference="A-1")

    def pay(self, **fields):
        fields = {"amount_usd": Decimal(50), **fields}
        return payments.create(supplier_id=self.supplier.pk, **fields, today=DAY, now=NOW, actor=self.actor)

    def pay_through_wise(self):
        """A payment whose transfer waits at Wise to be funded."""
        account = {"holder": "F", "bank_name": "B", "account_number": "1", "wise_recipient_id": "7"}
        known = suppliers.add_bank_account(self.supplier.pk, **account, actor=self.actor)
        return self.pay(bank_account_id=known.pk, wise_status="incoming_payment_waiting")

    def wrong_code(self):
        with pytest.raises(Exception, match="not valid"):
            mfa.prove_at_sign_in("abcdef", actor=self.person)


def _enable(world):
    fresh = make_user(Role.STAFF)
    mfa.set_up(actor=fresh)
    code = code_of(fresh)
    return lambda: mfa.enable(code, actor=fresh)


def _unlock(world):
    world.wrong_code()
    return lambda: users.unlock(world.person.pk, actor=world.actor)


def _encrypt(operation):
    def arrange(world, settings):
        settings.DB_ENCRYPTION_KEYS = [NEWEST_KEY, *settings.DB_ENCRYPTION_KEYS]
        return operation

    return arrange


def _line(world, quantity=2, reference=""):
    return recording.Line(world.kit.pk, quantity, DAY, order_reference=reference)


def _unstocked(world):
    kit = make_product()
    kit.stock_level.delete()
    return lambda: ledger.first_level(kit.pk, actor=world.actor)


def _read(world):
    linked = world.pay(wise_transfer_id=str(world.fake_wise.add_transfer(state="processing")))
    return lambda: tracking.read(linked.pk, now=NOW)


def _drafts(world):
    kit = make_product(supplier_id=world.supplier.pk)
    return lambda: drafts.create([drafts.Item(kit.pk, 3)], today=DAY, actor=world.actor)


def _holiday(world, operate, **fields):
    holiday = make_holiday()
    return lambda: operate(holiday.pk, **fields, actor=world.actor)


def _reset(world):
    planning_settings.change("transit_days", value="14", actor=world.actor)
    return lambda: planning_settings.reset("transit_days", actor=world.actor)


def _remove_notification(world):
    made = make_notification(world.kit)
    return lambda: notifications.remove(made.pk, now=NOW, actor=world.actor)


OPERATIONS = {
    "accounts.authentication.begin": lambda w: lambda: authentication.begin(actor=w.person),
    "accounts.authentication.sign_out": lambda w: lambda: authentication.sign_out(1, actor=w.actor),
    "accounts.mfa.set_up": lambda w: lambda: mfa.set_up(actor=w.actor),
    "accounts.mfa.enable": _enable,
    "accounts.mfa.disable": lambda w: lambda: mfa.disable(PASSWORD, w.codes[0], actor=w.person),
    "accounts.mfa.renew_recovery_codes": lambda w: (
        lambda: mfa.renew_recovery_codes(PASSWORD, w.codes[0], actor=w.person)
    ),
    "accounts.mfa.reset": lambda w: lambda: mfa.reset(w.person.pk, actor=w.actor),
    "accounts.mfa.prove_at_sign_in": lambda w: lambda: mfa.prove_at_sign_in(w.codes[0], actor=w.person),
    "accounts.mfa.encrypt_with_newest_key": _encrypt(mfa.encrypt_with_newest_key),
    "accounts.users.create": lambda w: (
        lambda: users.create(email="new@example.net", password=NEW, role=Role.BUYER, actor=w.actor)
    ),
    "accounts.users.change_password": lambda w: lambda: users.change_password(PASSWORD, NEW, actor=w.person),
    "accounts.users.set_password": lambda w: lambda: users.set_password(w.person.pk, NEW, actor=w.actor),
    "accounts.users.change": lambda w: lambda: users.change(w.person.pk, role=Role.VIEWER, actor=w.actor),
    "accounts.users.end_sign_ins": lambda w: lambda: users.end_sign_ins(actor=w.person),
    "accounts.users.create_service": lambda w: lambda: users.create_service("other@example.net", actor=w.actor),
    "accounts.users.rotate_service_key": lambda w: (
        lambda: users.rotate_service_key(w.service.pk, now=NOW, actor=w.actor)
    ),
    "accounts.users.unlock": _unlock,
    "inventory.ledger.receive": lambda w: lambda: ledger.receive([ledger.Line(w.kit.pk, 2)], actor=w.actor),
    "inventory.ledger.issue": lambda w: lambda: ledger.issue([ledger.Line(w.kit.pk, 2)], actor=w.actor),
    "inventory.ledger.adjust": lambda w: (
        lambda: ledger.adjust(w.kit.pk, counted=9, reason="count", now=NOW, actor=w.actor)
    ),
    "inventory.ledger.first_level": _unstocked,
    "inventory.products.create": lambda w: (
        lambda: products.create(internal_sku="LUMI-0001", name="K", price_usd=Decimal(1), today=DAY, actor=w.actor)
    ),
    "inventory.products.update": lambda w: (
        lambda: products.update(w.kit.pk, price_usd=Decimal(77), name="New", today=DAY, actor=w.actor)
    ),
    "inventory.products.deactivate": lambda w: lambda: products.deactivate(w.kit.pk, today=DAY, actor=w.actor),
    "inventory.products.create_missing": lambda w: (
        lambda: products.create_missing(
            [{"internal_sku": "LUMI-0002", "name": "K", "price_usd": Decimal(1)}], today=DAY, actor=w.actor
        )
    ),
    "inventory.suppliers.create": lambda w: (
        lambda: suppliers.create(name="New", contacts=[{"name": "Wu", "contact_value": "wu"}], actor=w.actor)
    ),
    "inventory.suppliers.update": lambda w: lambda: suppliers.update(w.supplier.pk, name="Renamed", actor=w.actor),
    "inventory.suppliers.deactivate": lambda w: lambda: suppliers.deactivate(w.supplier.pk, actor=w.actor),
    "inventory.suppliers.add_contact": lambda w: (
        lambda: suppliers.add_contact(w.supplier.pk, name="Wu", contact_value="wu", actor=w.actor)
    ),
    "inventory.suppliers.change_contact": lambda w: (
        lambda: suppliers.change_contact(w.supplier.pk, w.contact.pk, name="Wu", actor=w.actor)
    ),
    "inventory.suppliers.remove_contact": lambda w: (
        lambda: suppliers.remove_contact(w.supplier.pk, w.contact.pk, actor=w.actor)
    ),
    "inventory.suppliers.add_bank_account": lambda w: (
        lambda: suppliers.add_bank_account(
            w.supplier.pk, holder="F", bank_name="B", account_number="87654321", actor=w.actor
        )
    ),
    "inventory.suppliers.reveal_account_number": lambda w: (
        lambda: suppliers.reveal_account_number(w.supplier.pk, w.account.pk, actor=w.actor)
    ),
    "inventory.suppliers.encrypt_with_newest_key": _encrypt(suppliers.encrypt_with_newest_key),
    "planning.drafts.create": _drafts,
    "planning.calendar.set_seasonality": lambda w: (
        lambda: calendar.set_seasonality({1: Decimal("1.1"), 5: Decimal("0.9")}, actor=w.actor)
    ),
    "planning.calendar.add_holiday": lambda w: make_holiday,
    "planning.calendar.change_holiday": lambda w: _holiday(w, calendar.change_holiday, country="TH"),
    "planning.calendar.remove_holiday": lambda w: _holiday(w, calendar.remove_holiday),
    "planning.settings.change": lambda w: lambda: planning_settings.change("transit_days", value="14", actor=w.actor),
    "planning.settings.reset": _reset,
    "planning.notifications.remove": _remove_notification,
    "purchasing.orders.create": lambda w: (
        lambda: orders.create(supplier_id=w.supplier.pk, lines=[orders.Line(w.kit.pk, 3)], today=DAY, actor=w.actor)
    ),
    "purchasing.orders.update": lambda w: (
        lambda: orders.update(w.order.pk, lines=[orders.Line(w.kit.pk, 3)], notes="New", actor=w.actor)
    ),
    "purchasing.orders.advance": lambda w: lambda: orders.advance(w.order.pk, to=Stage.SENT, actor=w.actor),
    "purchasing.orders.cancel": lambda w: lambda: orders.cancel(w.order.pk, reason="late", now=NOW, actor=w.actor),
    "purchasing.receipts.receive": lambda w: (
        lambda: receipts.receive(w.order.pk, [receipts.Line(w.order.line_items.get().pk, 2)], actor=w.actor)
    ),
    "inventory.suppliers.change_bank_account": lambda w: (
        lambda: suppliers.change_bank_account(w.supplier.pk, w.account.pk, swift="BKCHCNBJ", actor=w.actor)
    ),
    "purchasing.payments.create": lambda w: w.pay,
    "purchasing.payments.update": lambda w: (
        lambda: payments.update(w.payment.pk, status="DELIVERED", notes="x", actor=w.actor)
    ),
    "purchasing.recipients.create": lambda w: (
        lambda: recipients.create(w.supplier.pk, w.account.pk, kind="swift_code", details=SWIFT, actor=w.actor)
    ),
    "purchasing.transfers.request_transfer": lambda w: _request_transfer(w, w.pay_through_wise()),
    "purchasing.transfers.request_funding": lambda w: _ask(w, transfers.request_funding),
    "purchasing.transfers.request_cancellation": lambda w: _ask(w, transfers.request_cancellation),
    "purchasing.tracking.store": _read,
    "purchasing.tracking.note_failure": lambda w: lambda: tracking.note_failure(w.payment.pk, ValueError("x"), at=NOW),
    "purchasing.tracking.end_task": lambda w: (
        lambda: tracking.end_task(w.payment.pk, tracking.Claim("", None), attention="No.")
    ),
    "purchasing.wise_inbox.keep": lambda w: lambda: wise_inbox.keep(b"{}", delivery_id="", is_test=True),
    "purchasing.shipments.create": lambda w: (
        lambda: shipments.create(w.shipment.order_id, milestones=[shipped(2)], today=DAY, actor=w.actor)
    ),
    "purchasing.shipments.update": lambda w: lambda: shipments.update(w.shipment.pk, carrier="COSCO", actor=w.actor),
    "purchasing.shipments.set_milestones": lambda w: (
        lambda: shipments.set_milestones(w.shipment.pk, [shipped(2), arrived(DAY)], today=DAY, actor=w.actor)
    ),
    "sales.importing.book": lambda w: (
        lambda: importing.book([_imported(w)], seen=importing.Occurrences(), actor=w.actor)
    ),
    "sales.recording.record_sales": lambda w: lambda: recording.record_sales([_line(w)], today=DAY, actor=w.actor),
    "sales.recording.record_return": lambda w: (
        lambda: recording.record_return(_line(w, 1, "A-1"), today=DAY, actor=w.actor)
    ),
}


def _request_transfer(world, payment):
    return lambda: transfers.request_transfer(payment.pk, transaction_id=uuid4(), now=NOW, actor=world.actor)


def _ask(world, request):
    payment = world.pay_through_wise()
    Payment.objects.filter(pk=payment.pk).update(wise_transfer_id="7", wise_made_here=True)
    return lambda: request(payment.pk, now=NOW, actor=world.actor)


def _imported(world):
    return importing.SaleLine(
        number=1,
        sku=Product.objects.get(pk=world.kit.pk).internal_sku,
        quantity=1,
        unit_price_usd=Decimal("3.00"),
        sale_date=DAY,
        platform="SHOPEE",
        order_reference="B-1",
    )


def public_operations():
    """Every public function under ``services`` that is an operation or takes an actor."""
    for path in ROOT.glob("*/services/*.py"):
        for node in ast.parse(path.read_text()).body:
            if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
                continue
            marks = {mark.id for mark in node.decorator_list if isinstance(mark, ast.Name)}
            if "operation" in marks or "actor" in {argument.arg for argument in node.args.kwonlyargs}:
                yield f"{path.parts[-3]}.{path.stem}.{node.name}"


def columns(model):
    if model in auditlog.get_models():
        return auditlog.get_model_fields(model)["include_fields"]
    return [field.name for field in model._meta.fields if field.name not in ("created_at", "updated_at")]


def everything():
    """Every row of every audited table, as it is stored."""
    told = [*auditlog.get_models(), *audit._by_hand]
    return {
        (model._meta.db_table, row["pk"]): row
        for model in told
        for row in model._default_manager.values("pk", *columns(model))
    }


def differences(before, after):
    """What happened to rows: which were made and removed, and which columns of which changed."""
    made = {(*at, "CREATE", frozenset()) for at in after.keys() - before.keys()}
    gone = {(*at, "DELETE", frozenset()) for at in before.keys() - after.keys()}
    changed = set()
    for at in before.keys() & after.keys():
        names = frozenset(name for name in before[at] if before[at][name] != after[at][name])
        if names:
            changed.add((*at, "CHANGE", names))
    return made | gone | changed


def told(rows):
    """What the log tells of rows, in the same words; a soft delete is a change of a row that stays."""
    changes, found = {}, set()
    for row in rows:
        is_change = row.action == "UPDATE" or (row.action == "DELETE" and row.new_values is not None)
        if is_change:
            changes.setdefault((row.table_name, row.record_id), set()).update(row.new_values)
        else:
            found.add((row.table_name, row.record_id, row.action, frozenset()))
    return found | {(*at, "CHANGE", frozenset(names)) for at, names in changes.items()}


def test_every_public_operation_is_in_the_table():
    assert set(public_operations()) == set(OPERATIONS) | PARTS


@pytest.mark.abuse("AUD-05", "AUD-13")
@pytest.mark.parametrize("name", OPERATIONS)
def test_what_an_operation_did_is_what_the_log_tells(name, admin, settings, fake_wise):
    world = World(admin, fake_wise)
    arrange = OPERATIONS[name]
    act = arrange(world, settings) if arrange.__code__.co_argcount == 2 else arrange(world)
    before, since = everything(), AuditLog.objects.order_by("-pk").first().pk

    with operations.acting_from(operations.Origin(actor_id=admin.pk, user_agent="test")):
        act()

    rows = list(AuditLog.objects.filter(pk__gt=since))
    expected = differences(before, everything())
    beyond = {entry for entry in told(rows) - expected if (entry[0], "UPDATE") in BEYOND.get(name, set())}
    assert told(rows) - beyond == expected
    assert bool(rows) == (name not in SILENT)
    assert {row.user_agent for row in rows} <= {"test"}
    assert User.objects.filter(pk__in={row.user_id for row in rows}).count() == len({row.user_id for row in rows})
    if name in BEYOND:
        assert {(entry[0], "UPDATE") for entry in beyond} == BEYOND[name]
