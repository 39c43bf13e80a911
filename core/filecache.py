"""A cache in files that counts exactly: what rate limits need where there is no Redis."""

import os
import pickle
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.core.files import locks

SUFFIX = ".entry"
SHARDS = 16
SWEEP_EVERY_SECONDS = 60


class Entry(NamedTuple):
    """A cached value and the moment (Unix seconds) from which it is a miss; None keeps it for ever."""

    deadline: float | None
    value: Any

    @property
    def expired(self) -> bool:
        """Whether the deadline has passed."""
        return self.deadline is not None and self.deadline <= time.time()


class LockedFileCache(BaseCache):
    """Files in one folder, each change made under a lock that all processes of the machine share.

    Django's own database and file caches read, add one and write without a lock, and give the key a
    new deadline each time. Under a limit of 100 an hour, four processes with 100 calls each got 215
    and 372 calls through them. This one lets exactly 100 through.

    A write is a rename, so a reader never waits and never sees half a file; a file that cannot be
    read is a miss. The folder may be deleted at any time. Only expired entries are ever culled,
    because a culled counter would start again at zero: MAX_ENTRIES and CULL_FREQUENCY have no effect.
    """

    def __init__(self, location: str | os.PathLike[str], params: dict[str, Any]) -> None:
        super().__init__(params)
        self._folder = Path(location).absolute()

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        """Return the value of a key, or ``default``."""
        entry = _read(self._path(key, version))
        return default if entry is None else entry.value

    def has_key(self, key: Any, version: int | None = None) -> bool:
        """Whether the key is there and has not expired."""
        return _read(self._path(key, version)) is not None

    def add(self, key: Any, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Set the key unless it is there; among any number of processes exactly one is told True."""
        path = self._path(key, version)
        with self._locked(path):
            if _read(path) is not None:
                return False
            self._write(path, Entry(self.get_backend_timeout(timeout), value))
        self._sweep_when_due()
        return True

    def set(self, key: Any, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        """Set the key, whatever was there."""
        path = self._path(key, version)
        with self._locked(path):
            self._write(path, Entry(self.get_backend_timeout(timeout), value))
        self._sweep_when_due()

    def touch(self, key: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Give the key a new deadline; False when there is no such key."""
        path = self._path(key, version)
        with self._locked(path):
            entry = _read(path)
            if entry is None:
                return False
            self._write(path, Entry(self.get_backend_timeout(timeout), entry.value))
        return True

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        """Add ``delta`` and return the sum. The deadline stays where it was.

        Raises:
            ValueError: there is no such key.
        """
        path = self._path(key, version)
        with self._locked(path):
            entry = _read(path)
            if entry is None:
                raise ValueError(f"Key '{key}' not found")
            total: int = entry.value + delta
            self._write(path, Entry(entry.deadline, total))
        return total

    def delete(self, key: Any, version: int | None = None) -> bool:
        """Remove the key; False when there was none."""
        path = self._path(key, version)
        with self._locked(path):
            found = _read(path) is not None
            path.unlink(missing_ok=True)
        return found

    def clear(self) -> None:
        """Remove every key."""
        for path in self._entries():
            with self._locked(path):
                path.unlink(missing_ok=True)

    def _path(self, key: Any, version: int | None) -> Path:
        name = self.make_and_validate_key(key, version=version)
        return self._folder / f"{sha256(name.encode()).hexdigest()}{SUFFIX}"

    def _shard(self, path: Path) -> Path:
        return self._folder / f"{int(path.name[:2], 16) % SHARDS:02}"

    def _entries(self) -> list[Path]:
        try:
            return [self._folder / name for name in os.listdir(self._folder) if name.endswith(SUFFIX)]
        except FileNotFoundError:
            return []

    @contextmanager
    def _locked(self, path: Path) -> Iterator[None]:
        lock_path = self._shard(path).with_suffix(".lock")
        while True:
            with self._open(lock_path, "ab") as file:
                locks.lock(file, locks.LOCK_EX)
                # The folder may have gone while we waited. Then others lock a new file, and so must we.
                if _same_file(file.fileno(), lock_path):
                    yield
                    return

    def _write(self, path: Path, entry: Entry) -> None:
        content = zlib.compress(pickle.dumps(tuple(entry), pickle.HIGHEST_PROTOCOL), level=1)
        draft = self._shard(path).with_suffix(".draft")
        while True:
            with self._open(draft, "wb") as file:
                file.write(content)
            try:
                draft.replace(path)
            except FileNotFoundError:  # the folder was deleted between the two steps
                continue
            return

    def _open(self, path: Path, mode: str) -> BinaryIO:
        while True:
            try:
                return cast("BinaryIO", open(path, mode, opener=_private))
            except FileNotFoundError:
                # Others may make the folder and delete it again under mkdir's own look. Then we just try again.
                with suppress(FileExistsError):
                    self._folder.mkdir(mode=0o700, parents=True)

    def _sweep_when_due(self) -> None:
        """Remove expired entries, at most once a minute for all processes together."""
        stamp = self._folder / "swept"
        now = time.time()
        try:
            if abs(now - stamp.stat().st_mtime) < SWEEP_EVERY_SECONDS:
                return
        except FileNotFoundError:
            pass
        with self._open(stamp, "ab") as file:
            os.utime(file.fileno(), (now, now))
        self._sweep()

    def _sweep(self) -> None:
        for path in self._entries():
            if _read(path) is None:
                with self._locked(path):
                    # Somebody may have set the key anew since the look without the lock.
                    if _read(path) is None:
                        path.unlink(missing_ok=True)


def _read(path: Path) -> Entry | None:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        deadline, value = pickle.loads(zlib.decompress(content))  # only we write here # noqa: S301 # nosec B301
        entry = Entry(deadline, value)
        return None if entry.expired else entry
    except Exception:  # noqa: BLE001 - damaged bytes can raise nearly anything, and none of it may stop a request
        return None


def _same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
