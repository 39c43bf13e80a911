"""The house stands: floors, rooms, names. import-linter holds the imports; this holds what escapes it."""

import ast
import re
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection

ROOT = Path(__file__).resolve().parents[1]
FLOORS = {"accounts": 1, "inventory": 2, "purchasing": 3, "sales": 3, "planning": 4}
PACKAGES = ["core", "config", *FLOORS]
BANNED_NAMES = {"utils", "helpers", "common", "mixins", "misc"}
TABLES = {
    "audit_log", "document_sequences", "holidays", "idempotency_keys", "inventory", "notifications", "payments",
    "po_line_items", "po_status_history", "price_history", "products", "purchase_orders", "sales",
    "seasonality_factors", "settings", "shipment_milestones", "shipments", "stock_movements",
    "supplier_bank_accounts", "supplier_contacts", "suppliers", "users",
}  # fmt: skip
INDEXES = {
    "idx_audit_log_created_at": ("audit_log", ["created_at"]),
    "idx_audit_log_table_record": ("audit_log", ["table_name", "record_id"]),
    "idx_notifications_status": ("notifications", ["status"]),
    "idx_payments_status": ("payments", ["status"]),
    "idx_payments_wise_transfer_id": ("payments", ["wise_transfer_id"]),
    "idx_price_history_product_date": ("price_history", ["product_id", "effective_date"]),
    "idx_products_internal_sku": ("products", ["internal_sku"]),
    "idx_purchase_orders_order_date": ("purchase_orders", ["order_date"]),
    "idx_purchase_orders_status": ("purchase_orders", ["status"]),
    "idx_sales_product_date": ("sales", ["product_id", "sale_date"]),
    "idx_stock_movements_product_date": ("stock_movements", ["product_id", "created_at"]),
}


def own_models():
    return [model for model in apps.get_models() if model._meta.app_label in FLOORS]


def sources():
    return [path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if "migrations" not in path.parts]


def functions(path):
    tree = ast.parse(path.read_text())
    return [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]


def test_a_foreign_key_points_to_its_own_floor_or_below_and_never_to_a_sibling():
    upward = [
        f"{model._meta.label}.{field.name} -> {target}"
        for model in own_models()
        for field in model._meta.get_fields()
        if field.is_relation and field.concrete and field.related_model
        for target in [field.related_model._meta.app_label]
        if target != model._meta.app_label and FLOORS.get(target, 0) >= FLOORS[model._meta.app_label]
    ]
    assert upward == []


def test_core_has_no_models():
    assert list(apps.get_app_config("core").get_models()) == []


def test_every_table_of_the_contract_exists_under_its_name():
    assert TABLES - {model._meta.db_table for model in own_models()} == set()


@pytest.mark.parametrize("name", sorted(INDEXES))
def test_every_named_index_exists_on_its_columns(db, name):
    table, columns = INDEXES[name]
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, table)[name]
    assert found["columns"] == columns
    assert found["index"]
    assert found["unique"] == (name == "idx_products_internal_sku")


def test_history_is_protected_from_deletion():
    """Only an order's lines, a shipment's milestones and a user's ways of signing in go with their parent."""
    cascades = {
        f"{model._meta.db_table}.{field.name}"
        for model in own_models()
        for field in model._meta.get_fields()
        if field.concrete and field.is_relation and field.remote_field.on_delete.__name__ == "CASCADE"
    }
    assert cascades == {"po_line_items.order", "shipment_milestones.shipment", "sign_ins.user", "totp_devices.user"}


def test_every_status_column_is_held_by_a_check():
    unchecked = [
        f"{model._meta.db_table}.{field.name}"
        for model in own_models()
        for field in model._meta.fields
        if field.choices and field.name not in {"movement_type"}
        if not any(f"'{field.name}__in'" in str(constraint.deconstruct()) for constraint in model._meta.constraints)
    ]
    assert unchecked == []


def test_no_module_has_a_name_that_says_nothing():
    assert [str(path) for path in sources() if path.stem in BANNED_NAMES] == []


def test_no_file_is_longer_than_400_lines():
    assert [str(path) for path in sources() if len(path.read_text().splitlines()) > 400] == []


def test_no_function_is_longer_than_40_lines():
    long = [
        f"{path.name}:{node.name} {node.end_lineno - node.lineno + 1}"
        for path in sources()
        for node in functions(path)
        if node.end_lineno - node.lineno + 1 > 40
    ]
    assert long == []


def test_every_public_function_and_class_says_what_it_is_for():
    silent = [
        f"{path.relative_to(ROOT)}:{node.name}"
        for path in sources()
        for node in ast.parse(path.read_text()).body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
        if not node.name.startswith("_") and not ast.get_docstring(node)
    ]
    assert silent == []


def test_only_operations_open_a_transaction():
    """``core.operations`` opens them; a savepoint around one insert is the one exception."""
    allowed = {"core/operations.py", "inventory/services/products.py", "planning/services/calendar.py"}
    openers = {str(path.relative_to(ROOT)) for path in sources() if "transaction.atomic" in path.read_text()}
    assert openers <= allowed


# A counter, a command, and what Wise said: the origin of the job tells who asked for it, if anybody did.
NOBODY_ACTS = {"next_number", "encrypt_with_newest_key", "keep", "store", "note_failure", "end_task"}


def test_every_public_operation_takes_its_actor():
    """Functions under ``services`` that are operations say who acts."""
    without = [
        f"{path.relative_to(ROOT)}:{node.name}"
        for path in sources()
        if "services" in path.parts
        for node in functions(path)
        if any(isinstance(mark, ast.Name) and mark.id == "operation" for mark in node.decorator_list)
        if not node.name.startswith("_") and node.name not in NOBODY_ACTS
        if "actor" not in {argument.arg for argument in node.args.kwonlyargs}
    ]
    assert without == []


def test_planning_can_be_taken_away():
    """Nobody imports planning, so the rest migrates and works without it."""
    importers = [
        str(path.relative_to(ROOT))
        for path in sources()
        if path.relative_to(ROOT).parts[0] not in {"planning", "config"}
        if re.search(r"(from|import) planning|[\"']planning[.\"']", path.read_text())
    ]
    assert importers == []
