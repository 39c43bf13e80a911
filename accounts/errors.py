"""What accounts can refuse."""

from core.errors import Conflict, Forbidden, InvalidInput, Mismatch, NotFound, Refused, Unauthenticated
from core.limits import TooManyRequests


class BadCredentials(Unauthenticated):
    """E-mail and password do not belong together; which of them is wrong is not told."""

    code = "bad_credentials"

    def __init__(self) -> None:
        super().__init__("There is no active account with this e-mail and password.")


class MfaRequired(Unauthenticated):
    """The password is right and the account asks for a code as well."""

    code = "mfa_required"

    def __init__(self) -> None:
        super().__init__("This account needs a second factor. Send the code of your authenticator app as well.")


class BadCode(InvalidInput):
    """A code that is wrong, used, or too old."""

    code = "bad_code"

    def __init__(self) -> None:
        super().__init__("This code is not valid, or it was used already. Wait for the next one.")


class BadCodeAtSignIn(Unauthenticated):
    """The same, at a door: nobody is signed in."""

    code = "bad_code"

    def __init__(self) -> None:
        super().__init__(BadCode().message)


class TooManyCodes(TooManyRequests):
    """After a wrong code, the next one is looked at only after a while: 1, 2, 4, 8 … up to 1,024 seconds."""

    code = "too_many_codes"

    def __init__(self, wait: int) -> None:
        super().__init__(wait)
        self.message = f"A wrong code was given. Try again in {wait} seconds, or use a recovery code."


class MfaAlreadyOn(Refused):
    """A second factor cannot be replaced without giving it up, which takes a proof of it."""

    code = "mfa_already_on"

    def __init__(self) -> None:
        super().__init__("This account has a second factor already. Disable it first, with your password and a code.")


class MfaNotOn(Refused):
    """There is no second factor to disable, or none was set up to verify."""

    code = "mfa_not_on"

    def __init__(self) -> None:
        super().__init__("There is no second factor to do this with. Set one up first.")


class WrongPassword(InvalidInput):
    """The current password, asked for once more, is another."""

    code = "wrong_password"

    def __init__(self) -> None:
        super().__init__("This is not your current password.")


class WeakPassword(InvalidInput):
    """The password breaks the rules; ``context`` names each."""

    code = "weak_password"

    def __init__(self, reasons: list[str]) -> None:
        super().__init__(" ".join(reasons), reasons=reasons)


class MfaSetUpRequired(Forbidden):
    """The role demands a second factor, and there is none yet."""

    code = "mfa_setup_required"

    def __init__(self) -> None:
        super().__init__("Your role needs a second factor. Set it up first: /account, or POST /api/auth/mfa/setup.")


class RegistrationClosed(Forbidden):
    """Strangers make no accounts here."""

    code = "registration_closed"

    def __init__(self) -> None:
        super().__init__("Registration is closed. Ask an administrator for an account.")


class EmailTaken(InvalidInput):
    """An administrator makes an account that is there already."""

    code = "email_taken"

    def __init__(self, email: str) -> None:
        super().__init__(f"There is an account with the e-mail {email} already.")


class UserNotFound(NotFound):
    """There is no such user."""

    code = "user_not_found"

    def __init__(self, user: int | str) -> None:
        super().__init__(f"There is no user {user}.")


class OnlyForPeople(Refused):
    """Passwords and second factors are for people."""

    code = "only_for_people"

    def __init__(self) -> None:
        super().__init__("A service account signs in with its key. It has no password and no second factor.")


class OnlyForServices(Refused):
    """Keys are for service accounts."""

    code = "only_for_services"

    def __init__(self) -> None:
        super().__init__("Only a service account (role SYNC) has a key.")


class LastAdmin(Refused):
    """Somebody must be left who can manage users."""

    code = "last_admin"

    def __init__(self) -> None:
        super().__init__("This is the last active administrator. Make another one first.")


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
