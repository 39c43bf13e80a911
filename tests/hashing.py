"""The production hasher with fewer rounds: the tests sign in often."""

from django.contrib.auth.hashers import BCryptSHA256PasswordHasher


class FastBCrypt(BCryptSHA256PasswordHasher):
    """bcrypt at cost 4."""

    rounds = 4
