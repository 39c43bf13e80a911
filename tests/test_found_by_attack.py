"""What attackers found once, so that nobody finds it again."""

import pytest
from django.db import Error, connection, transaction

from accounts.models import AuditLog
from core import cleaning
from inventory.models import Supplier
from tests.browser import signed_in


@pytest.mark.parametrize(
    "query", ["action__regex=(.?){9}Z", "action__iregex=a", "created_at__year__gte=1", "table_name__contains=a"]
)
def test_the_office_compares_only_as_its_filters_do(admin, query):
    assert signed_in(admin).get(f"/admin/accounts/auditlog/?{query}").status_code == 400


def test_a_text_that_is_too_long_is_refused_before_it_is_cleaned(client_api, monkeypatch):
    monkeypatch.setattr(cleaning, "text", lambda _: pytest.fail("cleaned"))

    assert client_api.post("/api/suppliers", {"name": "<" * 100_000}, format="json").status_code == 400
    assert not Supplier.objects.exists()


def test_replacing_a_row_of_the_audit_log_is_refused(admin):
    row = AuditLog.objects.latest("pk")
    columns = "id, table_name, record_id, action, user_agent, created_at"
    words = "INSERT OR REPLACE" if connection.vendor == "sqlite" else "INSERT"

    with pytest.raises(Error), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"{words} INTO audit_log ({columns}) VALUES (%s, 'forged', 1, 'CREATE', '', %s)", [row.pk, row.created_at]
        )

    assert AuditLog.objects.get(pk=row.pk).table_name == row.table_name
