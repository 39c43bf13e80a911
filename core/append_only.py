"""Tables whose rows can be added and never changed or deleted, held by triggers on both databases."""

from core.vendor_sql import VendorSQL

_POSTGRESQL = (
    """
    CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
    END $$
    """,
    """
    CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
        FOR EACH ROW EXECUTE FUNCTION refuse_change()
    """,
    """
    CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
)
_SQLITE = """
CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table}
BEGIN
    SELECT RAISE(ABORT, '{table} is append-only');
END
"""


class AppendOnly(VendorSQL):
    """Migration operation: from here on rows of ``table`` are only added."""

    def __init__(self, table: str) -> None:
        self.table = table
        verbs = ("update", "delete")
        super().__init__(
            postgresql=[statement.format(table=table) for statement in _POSTGRESQL],
            sqlite=[_SQLITE.format(table=table, verb=verb) for verb in verbs],
            undo_postgresql=[
                f"DROP TRIGGER IF EXISTS {table}_{name} ON {table}" for name in ("append_only", "no_truncate")
            ],
            undo_sqlite=[f"DROP TRIGGER IF EXISTS {table}_no_{verb}" for verb in verbs],
        )

    def describe(self) -> str:
        """Tell ``migrate`` what this does."""
        return f"Make {self.table} append-only"
