"""Users, how they prove who they are, the audit log and the answers kept for repeated requests."""

from accounts.models.audit import AuditLog
from accounts.models.idempotency import IdempotencyKey
from accounts.models.second_factor import TotpDevice
from accounts.models.service_keys import ServiceKey
from accounts.models.sign_ins import SignIn
from accounts.models.users import User

__all__ = ["AuditLog", "IdempotencyKey", "ServiceKey", "SignIn", "TotpDevice", "User"]
