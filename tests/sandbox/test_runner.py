"""What a caller learns of a run."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.errors import InvalidInput, SandboxUnavailable
from agent.sandbox import Sandbox, SandboxResult
from agent.sandbox.runner import _error
from agent.settings import Settings

Run = Callable[..., SandboxResult]


def test_code_that_works_says_what_it_printed(run: Run) -> None:
    result = run("import sys\nprint('hello')\nprint('a warning', file=sys.stderr)")
    assert (result.ok, result.output, result.error, result.image) == (True, "hello", None, None)
    assert not result.refused
    assert 0 < result.seconds < 20


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("x = 1\ny = x / 0", "Line 2: y = x / 0\nZeroDivisionError: division by zero"),
        ("def f():\n    return missing\n\nf()", "Line 2: return missing\nNameError: name 'missing' is not defined"),
        (
            "import json\njson.loads('{')",
            "Line 2: json.loads('{')\njson.decoder.JSONDecodeError: Expecting property name",
        ),
        ("x = (", "Line 1: x = (\nSyntaxError: '(' was never closed"),
        ("import nothing_like_it", "Line 1: import nothing_like_it\nModuleNotFoundError: No module named"),
        ("raise SystemExit('no')", "no"),
        ("raise SystemExit(3)", "Exit code 3."),
        ("import os\nos.abort()", "It was ended by SIGABRT."),
        ("import os, sys\nsys.stderr.write('Traceback?')\nsys.exit(1)", "Traceback?"),
    ],
)
def test_an_error_names_the_line_of_the_code(run: Run, code: str, error: str) -> None:
    result = run(code)
    assert not result.ok
    assert (result.error or "").startswith(error)


SITE = "/environment/lib/python3.11/site-packages"
FAILED_WITHIN = f"""Traceback (most recent call last):
  File "/answer/answer.py", line 2, in <module>
    actor.sphere([1])
  File "{SITE}/fury/decorators.py", line 40, in wrapper
    return function(*args)
           ^^^^^^^^^^^^^^^
  File "{SITE}/fury/actor/core.py", line 7, in create
    np.stack(centers)
  File "{SITE}/numpy/shape.py", line 9, in stack
    raise ValueError("no")
ValueError: no
"""


def test_an_error_names_the_innermost_place_in_the_package_that_was_called() -> None:
    assert _error(1, FAILED_WITHIN, "import x\nactor.sphere([1])") == (
        'Line 2: actor.sphere([1])\nFile "fury/actor/core.py", line 7, in create: np.stack(centers)\nValueError: no'
    )


def test_where_a_name_was_looked_for_is_no_place_of_an_error() -> None:
    """Lazy modules raise for names that they lack within a package that loads them."""
    traceback = f"""Traceback (most recent call last):
  File "/answer/answer.py", line 2, in <module>
    actor.ball()
  File "{SITE}/lazy_loader/__init__.py", line 110, in __getattr__
    raise AttributeError(f"No {{package}} attribute {{name}}")
AttributeError: No fury.actor attribute ball
"""
    assert _error(1, traceback, "import x\nactor.ball()") == (
        "Line 2: actor.ball()\nAttributeError: No fury.actor attribute ball"
    )


def test_what_follows_an_error_does_not_hide_it(run: Run) -> None:
    result = run("import atexit, sys\natexit.register(lambda: sys.stderr.write('bye\\n'))\n1 / 0")
    assert result.error == "Line 3: 1 / 0\nZeroDivisionError: division by zero"


def test_the_newest_picture_comes_out(run: Run) -> None:
    code = """
import struct, time, zlib
def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
def save(name, width):
    header = struct.pack(">IIBBBBB", width, 1, 8, 0, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(width + 1))) + chunk(b"IEND", b"")
    open(name, "wb").write(b"\\x89PNG\\r\\n\\x1a\\n" + data)
save("first.png", 1)
time.sleep(0.05)
save("second.png", 2)
"""
    image = run(code).image
    assert image is not None
    assert image[16:20] == b"\0\0\0\x02"


def test_a_failure_may_leave_a_picture(run: Run) -> None:
    """What was drawn before the error is still worth seeing."""
    result = run("open('x.png', 'wb').write(bytes(3))\n1 / 0")
    assert not result.ok
    assert result.image is None
    assert result.refused


def test_runs_beside_each_other_do_not_meet(plain_data: Path) -> None:
    sandbox = Sandbox(Settings(data_dir=plain_data), "plain", "1.0")
    results: dict[int, str] = {}

    def work(number: int) -> None:
        results[number] = sandbox.run(f"import time\ntime.sleep(0.3)\nprint({number})").output

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: str(number) for number in range(4)}


def test_no_descriptor_is_lost(run: Run) -> None:
    def open_ones() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    run("pass")
    before = open_ones()
    run("pass")
    run("1 / 0")
    assert open_ones() == before


def test_code_may_hold_any_text(run: Run) -> None:
    assert run("print('é \U0001f600')").output == "é \U0001f600"
    assert run("print('\ud800')").output == "?"
    assert not run("x = '\0'").ok


def test_too_much_code_is_refused(run: Run) -> None:
    with pytest.raises(InvalidInput, match="200001"):
        run("x" * 200_001)


def test_without_an_environment_it_says_how_to_prepare_one(settings: Settings) -> None:
    with pytest.raises(SandboxUnavailable, match=re.escape("fury-agent sandbox prepare 'fury==9.9'")):
        Sandbox(settings, "fury", "9.9")


def test_without_bubblewrap_it_says_how_to_get_it(plain_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(SandboxUnavailable, match="apt-get install bubblewrap"):
        Sandbox(Settings(data_dir=plain_data), "plain", "1.0")


def test_walls_that_cannot_be_built_are_no_fault_of_the_code(plain_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from agent.sandbox import policy

    monkeypatch.setattr(policy, "_SYSTEM_LINKS", ())  # no dynamic linker, so that nothing can be started
    with pytest.raises(SandboxUnavailable, match="could not start"):
        Sandbox(Settings(data_dir=plain_data), "plain", "1.0").run("pass")
