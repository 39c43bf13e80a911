"""The number of stock levels, kept by the database: counting 50,000 rows for every page of a list is slow."""

from core.vendor_sql import VendorSQL

_FUNCTION = """
CREATE FUNCTION count_stock_levels() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO row_counts (table_name, number)
    SELECT TG_TABLE_NAME, CASE TG_OP WHEN 'INSERT' THEN count(*) ELSE -count(*) END FROM changed
    HAVING count(*) > 0
    ON CONFLICT (table_name) DO UPDATE SET number = row_counts.number + EXCLUDED.number;
    RETURN NULL;
END $$
"""
_POSTGRESQL = """
CREATE TRIGGER inventory_count_{verb} AFTER {verb} ON inventory
    REFERENCING {rows} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_stock_levels()
"""
_SQLITE = """
CREATE TRIGGER inventory_count_{verb} AFTER {verb} ON inventory
BEGIN
    INSERT INTO row_counts (table_name, number) VALUES ('inventory', {step})
    ON CONFLICT (table_name) DO UPDATE SET number = number + excluded.number;
END
"""

COUNT_STOCK_LEVELS = VendorSQL(
    postgresql=[
        _FUNCTION,
        _POSTGRESQL.format(verb="insert", rows="NEW"),
        _POSTGRESQL.format(verb="delete", rows="OLD"),
    ],
    sqlite=[_SQLITE.format(verb="insert", step=1), _SQLITE.format(verb="delete", step=-1)],
    undo_postgresql=[
        "DROP TRIGGER inventory_count_insert ON inventory",
        "DROP TRIGGER inventory_count_delete ON inventory",
        "DROP FUNCTION count_stock_levels()",
    ],
    undo_sqlite=["DROP TRIGGER inventory_count_insert", "DROP TRIGGER inventory_count_delete"],
)
