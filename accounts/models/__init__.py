"""Users, the audit log and the answers kept for repeated requests."""

from accounts.models.audit import AuditLog
from accounts.models.idempotency import IdempotencyKey
from accounts.models.users import User

__all__ = ["AuditLog", "IdempotencyKey", "User"]
