"""Tables whose rows can be added and never changed or deleted, held by triggers on both databases."""

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation

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


class AppendOnly(Operation):
    """Migration operation: from here on rows of ``table`` are only added."""

    reduces_to_sql = True
    reversible = True

    def __init__(self, table: str) -> None:
        self.table = table

    def state_forwards(self, app_label: str, state: object) -> None:
        """The models stay as they are: the rule lives in the database."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: object, to_state: object
    ) -> None:
        """Create the triggers."""
        if schema_editor.connection.vendor == "postgresql":
            for statement in _POSTGRESQL:
                schema_editor.execute(statement.format(table=self.table), params=None)
            return
        for verb in ("update", "delete"):
            schema_editor.execute(_SQLITE.format(table=self.table, verb=verb))

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: object, to_state: object
    ) -> None:
        """Drop the triggers."""
        if schema_editor.connection.vendor == "postgresql":
            for name in ("append_only", "no_truncate"):
                schema_editor.execute(f"DROP TRIGGER IF EXISTS {self.table}_{name} ON {self.table}")
            return
        for verb in ("update", "delete"):
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {self.table}_no_{verb}")

    def describe(self) -> str:
        """Tell ``migrate`` what this does."""
        return f"Make {self.table} append-only"

    @property
    def migration_name_fragment(self) -> str:
        """Name a migration that holds nothing else."""
        return f"{self.table}_append_only"
