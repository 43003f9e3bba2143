"""What LanceDB, Arrow and the disk throw, in the words of `agent.errors`."""

from __future__ import annotations

import errno
import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from agent.errors import AgentError, IndexCorrupt, StorageError, StoreUnavailable

# LanceDB's errors are RuntimeErrors and ValueErrors that only differ in their text.
_OS_ERROR = re.compile(r"\(os error (\d+)\)")
_DAMAGE = re.compile(r"LanceError\((IO|CorruptFile|Schema)|not found|Arrow error|corrupt", re.IGNORECASE)
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_UNWRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR}


@contextmanager
def translated(directory: Path, action: str) -> Generator[None]:
    """Translate foreign errors of the block.

    Args:
        directory: where the store is.
        action: what is being done, for the message: `read`, `write`.

    Raises:
        StorageError: the disk is full, or the directory cannot be used.
        IndexCorrupt: files of the store are missing or damaged.
        StoreUnavailable: anything else.
    """
    try:
        yield
    except (OSError, RuntimeError, ValueError, pa.ArrowException) as error:
        raise _translate(error, directory, action) from error


def _translate(error: Exception, directory: Path, action: str) -> AgentError:
    text = str(error)
    found = _OS_ERROR.search(text)
    code = error.errno if isinstance(error, OSError) and error.errno else int(found[1]) if found else None
    what = f"The store in {str(directory)!r} could not {action}"
    if code in _FULL:
        return StorageError(f"{what}: the disk is full.", remedy="Free some space and try again.")
    if code in _UNWRITABLE:
        return StorageError(
            f"{what}: the directory cannot be used ({errno.errorcode[code]}).",
            remedy="Check its owner and permissions, or choose another data directory.",
        )
    reason = text.splitlines()[0][:300] if text else type(error).__name__
    if _DAMAGE.search(text):
        return IndexCorrupt(f"{what}: {reason}.", remedy="Rebuild the index: `fury-agent index --force`.")
    return StoreUnavailable(f"{what}: {reason}.", remedy="Try again; `fury-agent doctor` checks the store.")
