"""Archives that strangers made: each attack is built here and must neither escape, nor stay, nor go unnoticed."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.errors import StorageError, UnsafeArchive
from agent.sources.archive import Limits, unpack
from agent.sources.member_names import split_name

LIMITS = Limits(members=1000, size=1_000_000)
TAR_KINDS: dict[str, Callable[[bytes], bytes]] = {
    "tar": lambda data: data,
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}


def tar_of(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def file(name: str, content: bytes = b"x", mode: int = 0o644) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), mode
    return info, content


def special(name: str, kind: bytes, target: str = "") -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b""


def zip_of(*members: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as container:
        for name, content in members:
            container.writestr(name, content)
    return buffer.getvalue()


def zip_link(name: str, target: str) -> bytes:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return zip_of((info, target.encode()))


def unpacked(tmp_path: Path, data: bytes, limits: Limits = LIMITS) -> tuple[dict[str, bytes], dict[str, int]]:
    """Unpack into a directory with a neighbour; return what is inside, and what was skipped."""
    target = tmp_path / "inner" / "target"
    target.mkdir(parents=True, exist_ok=True)
    (tmp_path / "archive").write_bytes(data)
    try:
        skipped = unpack(tmp_path / "archive", target, limits)
    finally:
        outside = {path for path in tmp_path.rglob("*") if target not in (path, *path.parents)}
        assert outside == {tmp_path / "archive", tmp_path / "inner"}
        assert not any(path.is_symlink() for path in target.rglob("*"))
    found = {path.relative_to(target).as_posix(): path.read_bytes() for path in target.rglob("*") if path.is_file()}
    return found, dict(skipped)


@pytest.mark.parametrize("kind", TAR_KINDS)
def test_tars_of_every_compression(tmp_path: Path, kind: str) -> None:
    data = TAR_KINDS[kind](tar_of(file("a/b.py", b"1"), special("a/d", tarfile.DIRTYPE), file("./c", b"")))
    assert unpacked(tmp_path, data) == ({"a/b.py": b"1", "c": b""}, {})


def test_zips(tmp_path: Path) -> None:
    assert unpacked(tmp_path, zip_of(("a/b.py", b"1"), ("a/", b""))) == ({"a/b.py": b"1"}, {})


@pytest.mark.parametrize(
    "name",
    ["/etc/x", "../x", "a/../../x", "a/..", "\\x", "..\\x", "a\\..\\..\\x", "C:/x", "c:x", "//host/x", "./../x"],
)
def test_names_that_lead_out_condemn_the_archive(tmp_path: Path, name: str) -> None:
    for data in (tar_of(file("good"), file(name)), zip_of(("good", b""), (name, b"x"))):
        with pytest.raises(UnsafeArchive, match="leads out"):
            unpacked(tmp_path, data)
        (tmp_path / "inner/target/good").unlink()


@pytest.mark.parametrize("target", ["/etc/passwd", "../../x", "..", "a/../../../x", "C:/x", "..\\..\\x"])
def test_links_that_lead_out_condemn_the_archive(tmp_path: Path, target: str) -> None:
    for data in (
        tar_of(special("d/link", tarfile.SYMTYPE, f"../{target}" if target.startswith(".") else target)),
        tar_of(special("d/link", tarfile.LNKTYPE, target)),
        zip_link("link", target),
    ):
        with pytest.raises(UnsafeArchive, match="leads out"):
            unpacked(tmp_path, data)


def test_links_that_stay_inside_are_counted_and_never_followed(tmp_path: Path) -> None:
    data = tar_of(
        special("docs/link", tarfile.SYMTYPE, "../real"),
        file("docs/link/x", b"not through the link"),
        special("hard", tarfile.LNKTYPE, "real"),
        file("real"),
    )
    assert unpacked(tmp_path, data) == ({"docs/link/x": b"not through the link", "real": b"x"}, {"link": 2})


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, b"V"])
def test_devices_and_pipes_condemn_the_archive(tmp_path: Path, kind: bytes) -> None:
    with pytest.raises(UnsafeArchive, match="neither a file"):
        unpacked(tmp_path, tar_of(special("dev", kind)))


def test_a_pipe_in_a_zip_condemns_it(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("pipe")
    info.external_attr = (stat.S_IFIFO | 0o777) << 16
    with pytest.raises(UnsafeArchive, match="neither a file"):
        unpacked(tmp_path, zip_of((info, b"")))


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[31m", "gnp.\u202efdp", "x" * 256, "/".join(["y" * 100] * 6)])
def test_names_that_nothing_should_have_are_counted(tmp_path: Path, name: str) -> None:
    expected = ({"good": b"x"}, {"unusable name": 1})
    name = name.lstrip("/")
    assert unpacked(tmp_path, tar_of(file(name), file("good"))) == expected
    (tmp_path / "inner/target/good").unlink()
    assert unpacked(tmp_path, zip_of((name, b"x"), ("good", b"x"))) == expected


def test_a_nul_does_not_cut_a_name(tmp_path: Path) -> None:
    data = zip_of(("evil.pyXhidden", b"x")).replace(b"evil.pyXhidden", b"evil.py\0hidden")
    assert unpacked(tmp_path, data) == ({}, {"unusable name": 1})


def test_the_first_of_equal_names_wins_whatever_the_case(tmp_path: Path) -> None:
    data = tar_of(file("Readme", b"1"), file("README", b"2"), file("Readme", b"3"))
    assert unpacked(tmp_path, data) == ({"Readme": b"1"}, {"name taken": 2})


def test_a_file_in_place_of_a_directory_condemns_the_archive(tmp_path: Path) -> None:
    for order in ((file("a"), file("a/b")), (file("c/d"), file("c"))):
        with pytest.raises(UnsafeArchive, match="same name"):
            unpacked(tmp_path, tar_of(*order))


def test_modes_are_stripped(tmp_path: Path) -> None:
    unpacked(tmp_path, tar_of(file("run", mode=0o4777), file("locked/x", mode=0)))
    assert stat.S_IMODE((tmp_path / "inner/target/run").stat().st_mode) == 0o644
    assert stat.S_IMODE((tmp_path / "inner/target/locked/x").stat().st_mode) == 0o644


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])
def test_a_bomb_is_stopped_by_the_bytes_that_come_out(tmp_path: Path, kind: str) -> None:
    data = TAR_KINDS[kind](tar_of(file("zeros", bytes(5_000_000))))
    assert len(data) < 10_000
    with pytest.raises(UnsafeArchive, match="more than 1000000 bytes"):
        unpacked(tmp_path, data)
    assert sum(path.stat().st_size for path in tmp_path.rglob("zeros")) <= LIMITS.size


def test_a_zip_bomb_is_stopped_though_its_header_lies(tmp_path: Path) -> None:
    data = bytearray(zip_of(("zeros", bytes(5_000_000))))
    with pytest.raises(UnsafeArchive, match="more than 1000000 bytes"):
        unpacked(tmp_path, bytes(data))
    (tmp_path / "inner/target/zeros").unlink()
    central = data.index(b"PK\x01\x02")
    data[central + 24 : central + 28] = (10).to_bytes(4, "little")
    with pytest.raises(UnsafeArchive, match="damaged"):
        unpacked(tmp_path, bytes(data))
    assert sum(path.stat().st_size for path in tmp_path.rglob("zeros")) <= LIMITS.size


def test_files_that_are_skipped_count_against_the_limit_of_bytes(tmp_path: Path) -> None:
    data = gzip.compress(tar_of(*[file("same", bytes(400_000)) for _ in range(4)]))
    with pytest.raises(UnsafeArchive, match="more than 1000000 bytes"):
        unpacked(tmp_path, data)


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    few = Limits(members=3, size=1_000_000)
    with pytest.raises(UnsafeArchive, match="more than 3 members"):
        unpacked(tmp_path, zip_of(*[(f"d{number}/", b"") for number in range(4)]), few)
    with pytest.raises(UnsafeArchive, match="more than 3 members"):
        unpacked(tmp_path, tar_of(*[special(f"l{number}", tarfile.SYMTYPE, "x") for number in range(4)]), few)


def header(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
def test_a_header_that_would_fill_the_memory_is_refused(tmp_path: Path, kind: bytes) -> None:
    data = header("ok", 0) + header("bomb", 100_000_000, kind) + bytes(1024)
    with pytest.raises(UnsafeArchive, match="header of 100000000 bytes"):
        unpacked(tmp_path, data)


def test_negative_sizes_do_not_loop(tmp_path: Path) -> None:
    pax = b"17 size=-1000000\n"
    for data in (
        header("ok", 0) + header("x", -1024) + bytes(1024),
        header("ok", 0)
        + header("pax", len(pax), tarfile.XHDTYPE)
        + pax.ljust(512, b"\0")
        + header("x", 0)
        + bytes(1024),
    ):
        with pytest.raises(UnsafeArchive):
            unpacked(tmp_path, data)
        (tmp_path / "inner/target/ok").unlink(missing_ok=True)


@pytest.mark.timeout(20)
def test_a_sparse_map_that_never_ends_does_not_loop(tmp_path: Path) -> None:
    records = b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n"
    pax = header("pax", len(records), tarfile.XHDTYPE) + records.ljust(512, b"\0")
    with pytest.raises(UnsafeArchive):
        unpacked(tmp_path, pax + header("x", 512) + b"9999999\n".ljust(512, b"1"))


def test_endless_chains_of_headers_are_refused(tmp_path: Path) -> None:
    link = header("pax", 0, tarfile.XHDTYPE)
    with pytest.raises(UnsafeArchive):
        unpacked(tmp_path, link * 1900 + header("x", 0) + bytes(1024))


@pytest.mark.parametrize("kind", TAR_KINDS)
def test_truncation_is_noticed(tmp_path: Path, kind: str) -> None:
    whole = TAR_KINDS[kind](tar_of(file("a", os.urandom(3000)), file("b", os.urandom(3000))))
    for length in (0, 3, 600, len(whole) // 2):
        with pytest.raises(UnsafeArchive, match="damaged"):
            unpacked(tmp_path, whole[:length])
        for path in (tmp_path / "inner/target").iterdir():
            path.unlink()


def test_a_damaged_header_is_not_taken_for_the_end(tmp_path: Path) -> None:
    data = bytearray(tar_of(file("a"), file("b"), file("c")))
    data[1024] ^= 0xFF  # the name of b, so that its checksum is wrong
    with pytest.raises(UnsafeArchive, match="damaged"):
        unpacked(tmp_path, bytes(data))


def test_a_wrong_checksum_is_noticed(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(tar_of(file("a", b"content"))))
    packed[-8] ^= 0xFF
    zipped = bytearray(zip_of(("a", b"content" * 100)))
    zipped[14] ^= 0xFF
    zipped[zipped.index(b"PK\x01\x02") + 16] ^= 0xFF
    for data in (packed, zipped):
        with pytest.raises(UnsafeArchive, match="damaged"):
            unpacked(tmp_path, bytes(data))
        (tmp_path / "inner/target/a").unlink()


def test_encrypted_zips_are_refused(tmp_path: Path) -> None:
    data = bytearray(zip_of(("a", b"content")))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(UnsafeArchive, match=r"damaged.*encrypted"):
        unpacked(tmp_path, bytes(data))


def test_a_full_disk_is_not_the_archives_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", full)
    (tmp_path / "archive").write_bytes(tar_of(file("a")))
    with pytest.raises(StorageError, match="No space left"):
        unpack(tmp_path / "archive", tmp_path, LIMITS)


NAMES = st.text(st.characters(codec="utf-8") | st.sampled_from("/\\.:"), max_size=30) | st.lists(
    st.sampled_from(["..", ".", "", "a", "A", "b.py", "C:", "\\", "c\\..\\d"]), max_size=5
).map("/".join)
MEMBERS = st.lists(st.tuples(NAMES, st.sampled_from(["file", "link", "dir"]), NAMES), max_size=6)
QUICK = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUICK
@given(MEMBERS)
def test_nothing_is_ever_written_outside(
    tmp_path_factory: pytest.TempPathFactory, members: list[tuple[str, str, str]]
) -> None:
    kinds = {"link": tarfile.SYMTYPE, "dir": tarfile.DIRTYPE}
    data = tar_of(
        *[file(name, b"1") if kind == "file" else special(name, kinds[kind], target) for name, kind, target in members]
    )
    with suppress(UnsafeArchive):
        unpacked(tmp_path_factory.mktemp("tar"), data)  # asserts that nothing is outside


@given(NAMES)
def test_an_admitted_name_stays_below_any_directory(name: str) -> None:
    try:
        parts = split_name(name)
    except UnsafeArchive:
        return
    assert all(part not in ("", ".", "..") and not set(part) & set("/\\\0") for part in parts or ())


@QUICK
@given(st.data(), st.sampled_from([*TAR_KINDS, "zip"]))
def test_any_damage_ends_in_our_own_error_or_none(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, kind: str
) -> None:
    whole = zip_of(("a/b", b"12"), ("c", b"3" * 500))
    if kind != "zip":
        whole = TAR_KINDS[kind](
            tar_of(file("a/" + "b" * 120, b"12"), file("c", b"3" * 500), special("l", tarfile.SYMTYPE, "c"))
        )
    bytes_ = bytearray(whole)
    for place, value in data.draw(st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)), max_size=8)):
        bytes_[place] = value
    with suppress(UnsafeArchive):
        unpacked(tmp_path_factory.mktemp("damaged"), bytes(bytes_))
