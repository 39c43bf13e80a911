"""What accounts can refuse."""

from core.errors import Conflict, InvalidInput, Mismatch, Unauthenticated


class BadCredentials(Unauthenticated):
    """E-mail and password do not belong together; which of them is wrong is not told."""

    code = "bad_credentials"

    def __init__(self) -> None:
        super().__init__("There is no active account with this e-mail and password.")


class BadToken(Unauthenticated):
    """A refresh token that is unknown, used, expired or revoked."""

    code = "bad_token"

    def __init__(self) -> None:
        super().__init__("This refresh token is not valid. Sign in again.")


class BadIdempotencyKey(InvalidInput):
    """The header is there and is not a usable key."""

    code = "bad_idempotency_key"

    def __init__(self) -> None:
        super().__init__("Idempotency-Key must be 1 to 200 printable ASCII characters.")


class StillRunning(Conflict):
    """The first request with this key has not been answered yet."""

    code = "still_running"

    def __init__(self) -> None:
        super().__init__("A request with this Idempotency-Key is still running. Ask again in a moment.")


class KeyReused(Mismatch):
    """The key was used for another request."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for another request. Take a new key for a new request.")
