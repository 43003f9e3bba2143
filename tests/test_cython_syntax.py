"""Cython is read as Python: definitions are found where they are, whatever C stands around them."""

from __future__ import annotations

import ast
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.chunking import chunk_file
from agent.cython_syntax import as_python
from agent.schema import SourceFile
from agent.symbols import ApiModel
from tests.symbols.test_model import build

HEAP = b'''# cython: language_level=3
"""Queues in C."""
cimport numpy as cnp
from libc.math cimport (
    sqrt,
    floor,
)
ctypedef fused real:
    float
    double

cdef extern from "heap.h":
    double pop(double *values, int n) nogil


cdef inline int half(int n, double *values) noexcept nogil:
    """Half of it."""
    cdef int i = <int> sqrt(n), \\
        j = 2
    return pop(&values[0], i)

cpdef cnp.ndarray[double, ndim=2] sums(cnp.ndarray[double, ndim=2] image not None,
                                       Py_ssize_t[:, ::1] labels=None, int most = 3, *args, **kwargs):
    """Sum the pixels of each label."""
    with nogil:
        pass
    return image

cdef class Heap(Base):
    """A queue by priority."""
    cdef readonly int count, size

    def __cinit__(self, double start, bint grows=True):
        self.count = 0

    def push(self, double value=1.0, reference=None):
        """Push a value."""
        return value
'''


def chunk_symbols(data: bytes) -> dict[str, str]:
    file = SourceFile("lib/heap.pyx", "python", "package", "lib.heap", len(data), "")
    return {chunk.symbol: chunk.text for chunk in chunk_file(file, data, {}) if chunk.symbol}


def test_it_becomes_python_that_parses() -> None:
    found = [node for node in ast.walk(ast.parse(as_python(HEAP))) if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    assert {node.name for node in found} == {"half", "sums", "Heap", "__cinit__", "push"}


def test_definitions_are_chunks_that_show_the_file_itself() -> None:
    symbols = chunk_symbols(HEAP)
    assert list(symbols) == ["half", "sums", "Heap", "Heap.__cinit__", "Heap.push"]
    assert symbols["sums"].startswith("cpdef cnp.ndarray[double, ndim=2] sums(")
    assert "cdef readonly int count, size" in symbols["Heap"]


def test_the_api_model_has_names_and_defaults_without_types(tmp_path: Path) -> None:
    model = build(tmp_path, {"lib/__init__.py": "from lib.heap import Heap, sums\n", "lib/heap.pyx": HEAP})
    sums, heap = model.resolve("lib.sums"), model.resolve("lib.Heap")
    assert sums is not None
    assert heap is not None
    assert [(p.name, p.default) for p in sums.parameters] == [
        ("image", None), ("labels", "None"), ("most", "3"), ("args", None), ("kwargs", None)
    ]  # fmt: skip
    assert [p.name for p in heap.parameters] == ["start", "grows"]
    assert model.presence("lib.Heap.size") == "unchecked"  # declared in C
    assert model.public_paths()["lib.heap.Heap.push"] == "lib.Heap.push"


def test_python_beside_it_wins(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"lib/__init__.py": "", "lib/heap.py": "def slow(): ...\n", "lib/heap.pyx": HEAP}
    assert api_names(build(tmp_path, files)) == {"slow"}


def api_names(model: ApiModel) -> set[str]:
    return {symbol.name for symbol in model.symbols.values() if symbol.path.startswith("lib.heap.")}


LINES = st.sampled_from(
    [
        *HEAP.splitlines(),
        b"cdef:",
        b"def f(",
        b"cdef f(int x",
        b"<int*>x",
        b")",
        b"'''",
        b"\\",
        b"\xff <a>b",
        b"\r",
        b"",
    ]
)


@given(st.lists(LINES, max_size=12))
def test_every_line_stays_as_long_as_it_was(lines: list[bytes]) -> None:
    data = b"\n".join(lines)
    assert [len(line) for line in as_python(data).split(b"\n")] == [len(line) for line in data.split(b"\n")]


@pytest.mark.parametrize(
    "source",
    [
        b'def f(a, *args, b: dict[str, int] = {"k": [1, 2]}, **kw) -> int:\n    return (a < b) and (b > a)\n',
        b"class A(B, metaclass=M):\n    x: int = 3\n",
        b"x = [a <b> c]\nfor i in range(3):\n    print(f'{i:>3}')\n",
    ],
)
def test_python_stays_python(source: bytes) -> None:
    assert ast.dump(ast.parse(as_python(source))) == ast.dump(ast.parse(source))


def test_many_brackets_are_read_in_no_time() -> None:
    """Each `]` was once tried as the end of each `[`: 2**n ways."""
    line = b"cdef int " + b", ".join(b"a%d[3]" % number for number in range(200)) + b"\n"
    started = time.perf_counter()
    as_python(line)
    as_python(b"cdef int[" * 200)
    assert time.perf_counter() - started < 1
    for kind in (b"double[:, ::1]", b"vector[pair[int, int]]"):
        assert b" ".join(as_python(b"cdef %b f(int n):\n    pass\n" % kind).split()) == b"def f( n): pass"
