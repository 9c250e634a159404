"""Files that are there whole or not at all, locks that die with their process, and disk errors in one sentence."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from io import FileIO
from pathlib import Path
from zlib import crc32

from isomorph.errors import StoreError

try:
    import fcntl
except ImportError:  # Windows has no flock: there, one writer at a time
    fcntl = None  # type: ignore[assignment]

TEMPORARY = ".tmp"
WAY_OUT = "Run `isomorph store verify` to list all damage and `isomorph store gc` to free it; the next run computes it again."


def write_error(error: OSError, path: Path, needed: int) -> StoreError:
    """The one sentence for a write that failed: what, where, how many bytes, and the way out."""
    start = f"the store cannot write {path}{f' ({needed:,} bytes)' if needed else ''}: "
    elsewhere = "ISOMORPH_STORE to a folder"
    if error.errno == errno.ENOSPC:
        why = (
            f"the disk is full{_free(path)}. Free some space or set {elsewhere} on a larger disk, then run again: what is finished is kept."
        )
    elif error.errno == errno.EDQUOT:
        why = f"your disk quota is used up. Free some space or set {elsewhere} outside the quota, then run again: what is finished is kept."
    elif error.errno == errno.EFBIG:
        why = f"that is over the file-size limit. Raise it (`ulimit -f`) or set {elsewhere} on another disk; what is finished is kept."
    elif error.errno == errno.EROFS:
        why = f"the disk is read-only. Set {elsewhere} that can be written."
    elif error.errno in (errno.EACCES, errno.EPERM):
        why = f"you lack permission. Ask the folder's owner, or set {elsewhere} of your own."
    else:
        why = f"{error.strerror or error}. Check the disk, or set {elsewhere} elsewhere; what is finished is kept."
    return StoreError(start + why)


def read_error(error: OSError, path: Path) -> StoreError:
    """The one sentence for a read that failed, which says nothing of what the file holds; `raise` it `from` the error."""
    return StoreError(f"{path} cannot be read: {error.strerror or error}. Check the disk or the network, then run again.")


def unreadable(error: StoreError) -> bool:
    """Whether a file could not be read, rather than being read and found wrong: such a file is neither damaged nor to be removed."""
    return isinstance(error.__cause__, OSError)


def _free(path: Path) -> str:
    with suppress(OSError):
        return f" ({shutil.disk_usage(path.parent).free:,} bytes are free)"
    return ""


@contextmanager
def temporary_file(final: Path, *, needed: int, durable: bool = True) -> Iterator[tuple[FileIO, Path]]:
    """A new, uniquely named file beside `final`; on success its bytes are on the disk (if `durable`) and it waits for `publish`.

    Raises:
        StoreError: The disk is full, read-only or over quota; the temporary file is removed.
    """
    temporary = final.parent / f".{final.name}.{_machine()}-{secrets.token_hex(6)}{TEMPORARY}"
    try:
        with temporary.open("xb", buffering=0) as file:
            yield file, temporary
            if durable:
                os.fsync(file.fileno())
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError) and not isinstance(error, StoreError):
            raise write_error(error, final, needed) from error
        raise


@cache
def _machine() -> str:
    """Eight digits for this machine since its boot: as far as its locks reach."""
    return f"{crc32((boot_id() or socket.gethostname()).encode()):08x}"


@cache
def boot_id() -> str:
    """What this boot of this machine is called; empty where the system does not tell."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""


def of_this_machine(path: Path) -> bool:
    """Whether it is a temporary file that this machine made: where its lock is free, the writer is dead. Another machine's may live."""
    return path.name.endswith(TEMPORARY) and f".{_machine()}-" in path.name


def publish(temporary: Path, final: Path, *, durable: bool = True) -> None:
    """Give a complete temporary file its final name."""
    try:
        temporary.replace(final)
        if durable:
            sync_folder(final.parent)
    except OSError as error:
        needed = 0
        with suppress(OSError):
            needed = regular_size(temporary) or 0
            temporary.unlink()
        raise write_error(error, final, needed) from error


def write_bytes(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write a small file whole or not at all."""
    with temporary_file(path, needed=len(content), durable=durable) as (file, temporary):
        write_all(file, memoryview(content))
    publish(temporary, path, durable=durable)


def write_all(file: FileIO, view: memoryview) -> None:
    """Write every byte of `view`; one unbuffered write may take only a part."""
    while len(view):
        view = view[file.write(view) :]


def sync_folder(folder: Path) -> None:
    """Make renames and removals in `folder` survive a power cut, where the system can."""
    if sys.platform == "win32":
        return  # only POSIX can open a folder
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # file systems that cannot flush a folder say one of these
            raise
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Create `folder` and its parents; a `StoreError` says why that is not possible."""
    try:
        missing = [each for each in (folder, *folder.parents) if not each.is_dir()]
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(error, folder, 0) from error
    for each in missing:
        with suppress(OSError):  # a parent may be somebody else's, and closed to us
            sync_folder(each.parent)


def regular_size(path: Path) -> int | None:
    """The size of a regular file; None where there is none.

    Raises:
        StoreError: The disk or the network does not tell.
    """
    status = regular_status(path)
    return None if status is None else status.st_size


def regular_status(path: Path) -> os.stat_result | None:
    """What the system says of a regular file; None where there is none. Links and pipes do not count: a store holds its own bytes.

    Raises:
        StoreError: The disk or the network does not tell.
    """
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise read_error(error, path) from error
    return status if stat.S_ISREG(status.st_mode) else None


def is_folder(path: Path) -> bool:
    """Whether there is a folder, and no link to one.

    Raises:
        StoreError: The disk or the network does not tell.
    """
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise read_error(error, path) from error


def listing(folder: Path) -> list[Path]:
    """What is in a folder, sorted; nothing if there is no such folder.

    Raises:
        StoreError: The disk or the network does not tell.
    """
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise read_error(error, folder) from error


def file_system_time(folder: Path) -> float:
    """Now, in seconds, by the clock that stamps files in `folder`; machines' own clocks differ, and jump."""
    try:
        os.utime(folder)
        return folder.stat().st_mtime
    except OSError as error:
        raise write_error(error, folder, 0) from error


class FolderLock:
    """An advisory lock on a folder itself: it needs no file, and the system frees it when the process dies.

    Some network file systems have no such locks. The store stays right without them (renames are atomic, and every shard is checked
    before a commit); it only leaves more for `gc`.
    """

    def __init__(self, folder: Path) -> None:
        self._descriptor: int | None = None
        if fcntl is not None:
            with suppress(OSError):
                self._descriptor = os.open(folder, os.O_RDONLY)

    def shared(self) -> bool | None:
        """Wait for a lock that others may share; where that fails, nothing stays locked.

        Else a process that kept its exclusive lock could wait for others who wait for it.
        """
        held = self._lock("LOCK_SH")
        if held is None:
            self.close()
        return held

    def exclusive(self, *, wait: bool = False) -> bool | None:
        """Ask for a lock that nobody shares: True if it is ours, False if somebody else holds one, None if that cannot be known."""
        return self._lock("LOCK_EX", wait=wait)

    def _lock(self, kind: str, *, wait: bool = True) -> bool | None:
        if self._descriptor is None:
            return None
        try:
            fcntl.flock(self._descriptor, getattr(fcntl, kind) | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        except OSError:
            return None
        return True

    def close(self) -> None:
        """Let go of the lock."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


@contextmanager
def publishing(folder: Path) -> Iterator[None]:
    """Within: this process alone gives files in `folder` and its children their final names."""
    lock = FolderLock(folder)
    try:
        lock.exclusive(wait=True)
        yield
    finally:
        lock.close()
