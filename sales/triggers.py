"""Month totals follow the sales, whoever writes them: the application, a restore, a hand at the database."""

from core.vendor_sql import VendorSQL

_FUNCTION = """
CREATE FUNCTION add_to_sales_months() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO sales_months (product_id, month, units, revenue_usd)
    SELECT product_id, date_trunc('month', sale_date::timestamp)::date, sum(quantity), sum(quantity * unit_price_usd)
    FROM added GROUP BY 1, 2 ORDER BY 2, 1
    ON CONFLICT (month, product_id) DO UPDATE
        SET units = sales_months.units + EXCLUDED.units, revenue_usd = sales_months.revenue_usd + EXCLUDED.revenue_usd;
    RETURN NULL;
END $$
"""
_POSTGRESQL = """
CREATE TRIGGER sales_add_to_months AFTER INSERT ON sales
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION add_to_sales_months()
"""
_SQLITE = """
CREATE TRIGGER sales_add_to_months AFTER INSERT ON sales
BEGIN
    INSERT INTO sales_months (product_id, month, units, revenue_usd)
    VALUES (NEW.product_id, strftime('%Y-%m-01', NEW.sale_date), NEW.quantity, NEW.quantity * NEW.unit_price_usd)
    ON CONFLICT (month, product_id) DO UPDATE
        SET units = units + excluded.units, revenue_usd = revenue_usd + excluded.revenue_usd;
END
"""

ADD_TO_MONTHS = VendorSQL(
    postgresql=[_FUNCTION, _POSTGRESQL],
    sqlite=[_SQLITE],
    undo_postgresql=["DROP TRIGGER sales_add_to_months ON sales", "DROP FUNCTION add_to_sales_months()"],
    undo_sqlite=["DROP TRIGGER sales_add_to_months"],
)
