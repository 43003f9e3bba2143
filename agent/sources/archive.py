"""Safe extraction of archives that strangers made: tar (plain, gzip, bzip2, xz), zip and wheel.

Two rules. What tries to leave the target, or is neither a file, a directory nor a link, condemns the whole archive.
What is merely of no use (links that stay inside, names that no file system or terminal should see, a second member
of the same name) is left out and counted. Sizes are counted on the bytes that really come out, whatever headers claim.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import posixpath
import stat
import tarfile
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import IO, Protocol, Self

from msgspec import Struct

from agent.errors import StorageError, UnsafeArchive
from agent.sources.member_names import link_leads_out, split_name


class Readable(Protocol):
    """What can be unpacked."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, and none at the end."""
        ...


_BLOCK = 1 << 16
_MAX_LINK = 4096  # bytes
_MAX_HEADER = 1 << 20  # extended tar headers are read into memory whole

_DECOMPRESSORS: tuple[tuple[bytes, Callable[[IO[bytes]], Readable]], ...] = (
    (b"\x1f\x8b", lambda file: gzip.GzipFile(fileobj=file)),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ\x00", lzma.LZMAFile),
)

# What the standard library raises on damaged or hostile archives.
_DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,  # gzip and bz2 report damage as OSError; failing writes were translated before
    ValueError,  # numbers and names inside headers
    ArithmeticError,
    LookupError,
    RuntimeError,  # encrypted or unsupported zip members, endless chains of tar headers
)


class Limits(Struct, frozen=True):
    """The most that an archive may hold, unpacked: members of any kind, and bytes."""

    members: int
    size: int


def unpack(archive: Path, target: Path, limits: Limits) -> Counter[str]:
    """Unpack the file `archive` into the existing directory `target`; the format is told by its first bytes.

    Returns:
        Number of members left out, by reason.

    Raises:
        UnsafeArchive: it is damaged, hostile or beyond the limits; `target` may hold a part of it.
        StorageError: `target` cannot be written.
    """
    with archive.open("rb") as file:
        magic = file.read(6)
        file.seek(0)
        if magic.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            return _unpack_zip(file, target, limits)
        opener = next((opener for prefix, opener in _DECOMPRESSORS if magic.startswith(prefix)), None)
        return unpack_tar(opener(file) if opener else file, target, limits)


def unpack_tar(stream: Readable, target: Path, limits: Limits) -> Counter[str]:
    """Unpack an uncompressed tar `stream`, which need not be seekable; see `unpack`."""
    writer = _Writer(target, limits)
    bounded = _Bounded(stream, limits)
    try:
        # Stream mode cannot seek back, which rules out loops through negative sizes.
        with tarfile.open(fileobj=bounded, mode="r|", tarinfo=_CheckedInfo) as tar:
            for member in tar:
                _unpack_tar_member(tar, member, writer)
            _check_rest(tar)
    except _DAMAGED as error:
        raise _damaged(error) from error
    return writer.skipped


def _unpack_tar_member(tar: tarfile.TarFile, member: tarfile.TarInfo, writer: _Writer) -> None:
    parts = writer.admit(member.name)
    if member.issym():
        writer.skip_link(member.name, posixpath.dirname(member.name), member.linkname)
    elif member.islnk():
        writer.skip_link(member.name, "", member.linkname)
    elif member.isdir():
        pass  # directories come with their files
    elif not member.isreg() or member.issparse():
        raise UnsafeArchive(f"The archive's member {member.name!r} is neither a file, a directory nor a link.")
    elif parts and (content := tar.extractfile(member)):
        writer.write(parts, content)


def _unpack_zip(file: IO[bytes], target: Path, limits: Limits) -> Counter[str]:
    writer = _Writer(target, limits)
    try:
        with zipfile.ZipFile(file) as container:
            for member in container.infolist():
                _unpack_zip_member(container, member, writer)
    except _DAMAGED as error:
        raise _damaged(error) from error
    return writer.skipped


def _unpack_zip_member(container: zipfile.ZipFile, member: zipfile.ZipInfo, writer: _Writer) -> None:
    name = member.orig_filename  # `filename` is already cut at a NUL
    parts = writer.admit(name)
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind == stat.S_IFLNK:
        writer.skip_link(name, posixpath.dirname(name), _link_target(container, member))
    elif kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise UnsafeArchive(f"The archive's member {name!r} is neither a file, a directory nor a link.")
    elif parts and not member.is_dir():
        with container.open(member) as content:
            writer.write(parts, content)


def _link_target(container: zipfile.ZipFile, member: zipfile.ZipInfo) -> str:
    with container.open(member) as content:
        return content.read(_MAX_LINK).decode(errors="replace")


class _Writer:
    """Writes below `target` and nowhere else, counting against the limits."""

    def __init__(self, target: Path, limits: Limits) -> None:
        self.skipped: Counter[str] = Counter()
        self._target = target
        self._limits = limits
        self._members = 0
        self._size = 0
        self._seen: set[str] = set()

    def admit(self, name: str) -> tuple[str, ...]:
        """Count a member; return the parts of its path, or nothing where it is to be left out."""
        self._members += 1
        if self._members > self._limits.members:
            raise UnsafeArchive(
                f"The archive has more than {self._limits.members} members.",
                remedy="Set source_max_archive_files if it is to be trusted.",
            )
        parts = split_name(name)
        if parts is None:
            self.skipped["unusable name"] += 1
            return ()
        return parts

    def skip_link(self, name: str, directory: str, target: str) -> None:
        """Leave a link out, and refuse the archive if it leads out: no honest release has such."""
        if link_leads_out(directory, target):
            raise UnsafeArchive(f"The archive's link {name!r} leads out of it.")
        self.skipped["link"] += 1

    def write(self, parts: tuple[str, ...], content: IO[bytes]) -> None:
        """Write one file; its name may be taken only once, also where the file system ignores case."""
        folded = unicodedata.normalize("NFC", "/".join(parts)).casefold()
        if folded in self._seen:
            self.skipped["name taken"] += 1
            return
        self._seen.add(folded)
        path = self._target.joinpath(*parts)
        with _storing(path):
            path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            file = path.open("xb")
            path.chmod(0o644)
        with file:
            while block := content.read(_BLOCK):
                self._count(len(block))
                with _storing(path):
                    file.write(block)
            with _storing(path):
                file.flush()

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > self._limits.size:
            raise _too_large(self._limits)


class _storing:  # noqa: N801 - a context manager, read as a word
    """Translate a failing write; a file where a directory should be is the archive's fault, not the disk's."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, FileExistsError | NotADirectoryError | IsADirectoryError):
            raise UnsafeArchive(
                f"The archive has a file and a directory of the same name: {self._path.name!r}."
            ) from error
        if isinstance(error, OSError):
            raise StorageError(
                f"{str(self._path)!r} cannot be written: {error.strerror}.", remedy="Free some space, or set data_dir."
            ) from error


class _Bounded(io.RawIOBase):
    """What tarfile reads from; counts also what is not written: headers, padding and members left out."""

    def __init__(self, stream: Readable, limits: Limits) -> None:
        super().__init__()
        self._stream = stream
        self._limits = limits
        self._size = 0

    def read(self, size: int = -1, /) -> bytes:
        block = self._stream.read(size)
        self._size += len(block)
        if self._size > self._limits.size:
            raise _too_large(self._limits)
        return block


class _CheckedInfo(tarfile.TarInfo):
    """Refuses sizes that would make tarfile read a bomb into memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        info = super().frombuf(buf, encoding, errors)
        extended = info.type not in tarfile.SUPPORTED_TYPES or info.type in _HEADERS
        if info.size < 0 or (extended and info.size > _MAX_HEADER):
            raise UnsafeArchive(f"The archive has a header of {info.size} bytes.")
        return info


_HEADERS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)


def _check_rest(tar: tarfile.TarFile) -> None:
    """Read to the end, so that checksums are verified; tarfile takes damage between members for the end."""
    while tar.fileobj and (block := tar.fileobj.read(_BLOCK)):
        if block.strip(b"\0"):
            raise tarfile.ReadError("a member's header is damaged")


def _too_large(limits: Limits) -> UnsafeArchive:
    return UnsafeArchive(
        f"The archive unpacks to more than {limits.size} bytes.",
        remedy="Set source_max_archive_bytes if it is to be trusted.",
    )


def _damaged(error: Exception) -> UnsafeArchive:
    return UnsafeArchive(f"The archive is damaged: {error}.", remedy="Try again; if it stays so, tell its publisher.")
