"""`fury-agent check`: files as Python reads them, findings as editors read them."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from agent.errors import InvalidInput
from agent.schema import MAX_CODE
from agent.settings import Settings
from agent.shell.code_check import MOST_LISTED, Report, check_files


def check(settings: Settings, *names: str, stdin: bytes = b"", stdin_name: str = "-") -> Report:
    return check_files(names, settings, library="demo", stdin=io.BytesIO(stdin), stdin_name=stdin_name)


def places(report: Report) -> list[tuple[str, int, int]]:
    return [(found.kind, found.line, found.column) for found in report.findings]


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"from demo import actor\nx = 1; actor.spher()\n", (2, 8)),
        (b"from demo import actor\r\nx = 1; actor.spher()\r\n", (2, 8)),
        (b"from demo import actor\rx = 1; actor.spher()\r", (2, 8)),
        ("from demo import actor\nx = 'é€'; actor.spher()\n".encode(), (2, 11)),
        ("\ufefffrom demo import actor; actor.spher()\n".encode(), (1, 25)),
        ("# coding: latin-1\nfrom demo import actor\nx = 'é'; actor.spher()\n".encode("latin-1"), (3, 10)),
        (b"from demo import actor\n\x0cactor.spher()\n", (2, 2)),
    ],
    ids=["LF", "CRLF", "CR", "UTF-8", "byte order mark", "declared encoding", "form feed"],
)
def test_columns_are_those_of_an_editor(
    two_versions: Settings, tmp_path: Path, data: bytes, place: tuple[int, int]
) -> None:
    file = tmp_path / "a.py"
    file.write_bytes(data)
    assert places(check(two_versions, str(file))) == [("unknown-name", *place)]


@pytest.mark.parametrize(
    ("data", "line"),
    [(b"x = 1\ny = '\xff'\n", 2), (b"# coding: nonsense\n", 1), (b"# coding: rot13\n", 1), (b"a\0b", 1)],
)
def test_what_is_no_text_is_a_finding(two_versions: Settings, data: bytes, line: int) -> None:
    report = check(two_versions, "-", stdin=data)
    assert places(report) == [("syntax", line, 1)]


def test_findings_are_lines_that_editors_read(two_versions: Settings, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("Text\n\n- item\n  ```python\n  import demo\n  demo.nothing\n  ```\n")
    report = check(two_versions, str(page), "-", stdin=b"import os; os.name\n", stdin_name="scene.py")
    assert report.as_lines() == f"{page}:6:3: unknown-name: `demo.nothing` does not exist.\n"
    assert report.summary() == "1 finding in 2 files; 2 names and 0 calls checked against demo 2.0.0"
    (found,) = json.loads(report.as_json())
    assert (found["file"], found["line"], found["column"], found["kind"]) == (str(page), 6, 3, "unknown-name")
    assert not report.is_clean


def test_a_name_of_another_version_is_told_with_what_replaced_it(two_versions: Settings) -> None:
    report = check(two_versions, "-", stdin=b"from demo.actor import odf_slicer\n")
    assert "does not exist (it is in 0.10.0). Use `demo.actor.sph_glyph`.\n" in report.as_lines()


def test_a_file_that_is_no_python_is_told_of_which_version(two_versions: Settings) -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    lines = check(two_versions, "-", stdin=b"x = (\n", stdin_name="a.py").as_lines()
    assert lines == f"a.py:1:5: syntax: This is not valid Python {version}: '(' was never closed.\n"


def test_of_very_many_findings_the_first_are_listed(two_versions: Settings) -> None:
    code = "import demo\n" + "demo.nothing\n" * (MOST_LISTED + 30)
    report = check(two_versions, "-", stdin=code.encode())
    assert len(report.as_lines().splitlines()) == MOST_LISTED
    assert report.summary().startswith("and 30 more, which --json lists\n230 findings in 1 file")
    assert len(json.loads(report.as_json())) == MOST_LISTED + 30


def test_standard_input_is_what_its_name_says(two_versions: Settings) -> None:
    text = b"```python\nimport demo\ndemo.nothing\n```\n"
    assert places(check(two_versions, "-", stdin=text, stdin_name="x.md")) == [("unknown-name", 3, 1)]
    assert places(check(two_versions, "-", stdin=text)) == [("syntax", 1, 1)]


def test_what_was_not_checked_is_said(two_versions: Settings) -> None:
    for stdin in (b"x" * (MAX_CODE + 1), b"x" * (5 * MAX_CODE), b"x" + b".x" * 30_000):
        report = check(two_versions, "-", stdin=stdin)
        assert report.findings == []
        assert not report.is_clean
        assert report.summary().startswith("-: Not checked")


@pytest.mark.parametrize("name", ["no-such-file.py", ".", "a\0.py", __file__ + ".txt"])
def test_what_is_no_file_of_code_is_refused(two_versions: Settings, name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check(two_versions, name)
    assert caught.value.field == "file"


def test_a_file_that_is_not_there_is_told_before_anything_is_prepared(two_versions: Settings, tmp_path: Path) -> None:
    (file := tmp_path / "a.py").write_text("import demo\nprint(demo)\n")
    prepared: list[str] = []
    names = ["no-such-file.py", str(file)]
    with pytest.raises(InvalidInput):
        check_files(names, two_versions, library="demo", prepare=lambda: prepared.append("too early"))
    check_files(names[1:], two_versions, library="demo", prepare=lambda: prepared.append("in time"))
    assert prepared == ["in time"]


def test_good_code_is_clean(two_versions: Settings) -> None:
    assert check(two_versions, "-", stdin=b"import demo\nprint(demo)\n").is_clean


def test_an_unused_import_is_told_and_does_no_harm(two_versions: Settings) -> None:
    report = check(two_versions, "-", stdin=b"import demo\n", stdin_name="a.py")
    assert report.as_lines() == "a.py:1:1: unused-import: `demo` is imported and not used.\n"
    assert report.is_clean
    assert not check(two_versions, "-", stdin=b"import demo\ndemo.nothing\nimport os\n").is_clean
    assert check(two_versions, "-", stdin=b"```python\nimport demo\n```\n", stdin_name="a.md").findings == []


def test_what_the_sources_cannot_decide_is_said(two_versions: Settings, tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text("from demo import actor\n\nscene = actor.Scene()\nscene.from_outside()\n")
    report = check_files([str(file)], two_versions, library="demo", version="0.10.0")
    assert report.findings == []
    assert "not decided by the sources: demo.actor.Scene.from_outside\n" in report.summary()


def test_calls_whose_arguments_cannot_be_seen_are_said(two_versions: Settings) -> None:
    report = check(two_versions, "-", stdin=b"from demo import actor\nactor.sphere(*open(0))\n")
    assert report.summary().splitlines() == [
        "not decided: 1 call with arguments that cannot be seen",
        "0 findings in 1 file; 3 names and 0 calls checked against demo 2.0.0",
    ]
