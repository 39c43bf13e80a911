"""Rules that live in the database itself, written once for each of the two."""

from collections.abc import Sequence

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation


class VendorSQL(Operation):
    """Migration operation: run the statements for the database at hand, and the undoing ones on the way back."""

    reduces_to_sql = True
    reversible = True

    def __init__(
        self,
        *,
        postgresql: Sequence[str],
        sqlite: Sequence[str],
        undo_postgresql: Sequence[str],
        undo_sqlite: Sequence[str],
    ) -> None:
        self.postgresql = postgresql
        self.sqlite = sqlite
        self.undo_postgresql = undo_postgresql
        self.undo_sqlite = undo_sqlite

    def state_forwards(self, app_label: str, state: object) -> None:
        """The models stay as they are: the rule lives in the database."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: object, to_state: object
    ) -> None:
        """Run the statements."""
        for statement in self._for(schema_editor, self.postgresql, self.sqlite):
            schema_editor.execute(statement, params=None)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: object, to_state: object
    ) -> None:
        """Run the undoing statements."""
        for statement in self._for(schema_editor, self.undo_postgresql, self.undo_sqlite):
            schema_editor.execute(statement, params=None)

    def _for(
        self, schema_editor: BaseDatabaseSchemaEditor, postgresql: Sequence[str], sqlite: Sequence[str]
    ) -> Sequence[str]:
        return postgresql if schema_editor.connection.vendor == "postgresql" else sqlite
