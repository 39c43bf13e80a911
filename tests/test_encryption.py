"""Secrets at rest."""

import pytest
from cryptography.fernet import Fernet
from hypothesis import given, settings
from hypothesis import strategies as st

from core import encryption
from core.encryption import Undecryptable

PLACE = "supplier_bank_accounts:7"
OLD, NEW, FOREIGN = (Fernet.generate_key().decode() for _ in range(3))


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_what_was_encrypted_is_read_back(value):
    assert encryption.decrypt(encryption.encrypt(value, bound_to=PLACE), bound_to=PLACE) == value


def test_the_value_is_not_to_be_seen_and_no_two_tokens_are_alike():
    first, second = (encryption.encrypt("6222000000001234", bound_to=PLACE) for _ in range(2))

    assert "6222" not in first
    assert first != second


@pytest.mark.parametrize("place", ["supplier_bank_accounts:8", "supplier_bank_accounts:70", "users:7", ""])
def test_a_value_moved_to_another_row_cannot_be_read(place):
    token = encryption.encrypt("6222", bound_to=PLACE)

    with pytest.raises(Undecryptable):
        encryption.decrypt(token, bound_to=place)


def test_a_rotated_key_still_reads_and_the_newest_writes(settings):
    settings.DB_ENCRYPTION_KEYS = [OLD]
    written_before = encryption.encrypt("6222", bound_to=PLACE)

    settings.DB_ENCRYPTION_KEYS = [NEW, OLD]
    written_after = encryption.encrypt("6222", bound_to=PLACE)
    assert encryption.decrypt(written_before, bound_to=PLACE) == "6222"

    settings.DB_ENCRYPTION_KEYS = [NEW]
    assert encryption.decrypt(written_after, bound_to=PLACE) == "6222"
    with pytest.raises(Undecryptable):
        encryption.decrypt(written_before, bound_to=PLACE)


def test_a_wrong_key_reads_nothing(settings):
    settings.DB_ENCRYPTION_KEYS = [OLD]
    token = encryption.encrypt("6222", bound_to=PLACE)
    settings.DB_ENCRYPTION_KEYS = [FOREIGN]

    with pytest.raises(Undecryptable):
        encryption.decrypt(token, bound_to=PLACE)


def test_an_altered_token_cannot_be_read():
    token = encryption.encrypt("6222", bound_to=PLACE)
    middle = len(token) // 2
    altered = token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]

    with pytest.raises(Undecryptable):
        encryption.decrypt(altered, bound_to=PLACE)


@pytest.mark.parametrize("token", ["", "6222", "gAAAAA", "•••• 1234"])
def test_what_is_no_token_cannot_be_read(token):
    with pytest.raises(Undecryptable):
        encryption.decrypt(token, bound_to=PLACE)


@pytest.mark.parametrize("content", [b"6222", b'"6222"', b"[]", b'["supplier_bank_accounts:7"]', b"7", b"null"])
def test_a_token_of_our_key_that_we_did_not_write_cannot_be_read(settings, content):
    settings.DB_ENCRYPTION_KEYS = [OLD]

    with pytest.raises(Undecryptable):
        encryption.decrypt(Fernet(OLD).encrypt(content).decode(), bound_to=PLACE)
