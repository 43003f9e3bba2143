"""A large corpus: several scientific libraries in one folder, and copies of it that use other words.

A copy exchanges the words that the names of definitions are made of, each for another of equal length and similar
frequency, in names, prose and paths alike, and marks the packages by a digit in the place of their last letter. So it
is consistent code under other identifiers, with the statistics of the original: a frequent word is still frequent.
Every line keeps its length, so the chunker cuts it in the same places, and each text can be translated back.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path, PurePosixPath

from agent.schema import SourceTree
from agent.settings import Settings
from agent.sources import open_source

LIBRARIES = (
    "astropy==7.1.1",
    "matplotlib==3.10.7",
    "networkx==3.5",
    "numpy==2.3.4",
    "pandas==2.3.3",
    "scikit-learn==1.7.2",
    "scipy==1.16.2",
    "statsmodels==0.14.5",
    "sympy==1.14.0",
)
"""103,000 chunks together."""
COPIES = 10
"""The original included; a digit marks each."""

BLOCK = 16
"""Words of similar frequency that are exchanged among each other."""
SHORTEST = 4

_DEFINITION = re.compile(r"^[ \t]*(?:async[ \t]+)?(?:def|class)[ \t]+([A-Za-z]\w*)", re.MULTILINE)
_DUNDER = re.compile(r"\b__(\w+)__\b")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
# What decorators, docstrings and the rules that select files are known by.
_KEPT = frozenset(
    _WORD.findall(
        "attributes build class conda conftest deprecated deprecation demos dist doctest egg examples extern externals "
        "gallery generated inner license method notes other parameters posts property raises readme references returns "
        "setup shader static test tests tutorials vendor vendored version versions warns yields"
    )
)


def _parts(names: Iterable[str]) -> Iterator[str]:
    return (word.lower() for name in names for word in _WORD.findall(name))


_RESERVED = frozenset(_parts([*keyword.kwlist, *dir(builtins)]))


class Words:
    """The words that copies exchange.

    Args:
        texts: all Python sources.
        packages: names of the packages, which are marked instead.
    """

    def __init__(self, texts: Iterable[str], packages: Iterable[str]) -> None:
        self._packages = tuple(packages)
        self.marks = re.compile(rf"\b(?:{'|'.join(re.escape(name[:-1]) for name in self._packages)})(\d)\b")
        """Finds the number of a copy in its texts."""
        kept = {*_KEPT, *_RESERVED, *self._packages}
        said: Counter[str] = Counter()
        for text in texts:
            said.update(_parts(_DEFINITION.findall(text)))
            kept.update(_parts(_DUNDER.findall(text)))
        by_length: dict[int, list[str]] = defaultdict(list)
        for word, _ in sorted(said.items(), key=lambda item: (-item[1], item[0])):
            if len(word) >= SHORTEST and word not in kept:
                by_length[len(word)].append(word)
        self._blocks = [
            words[start : start + BLOCK] for words in by_length.values() for start in range(0, len(words), BLOCK)
        ]

    @cache  # noqa: B019 - a few translators, for as long as the process lives
    def copying(self, number: int) -> Callable[[str], str]:
        """Return what translates the original to a copy, 1 to 9."""
        names = {name: f"{name[:-1]}{number}" for name in self._packages}
        return _translator(names, self._shifted(number))

    @cache  # noqa: B019 - same
    def restoring(self, number: int) -> Callable[[str], str]:
        """Return what translates a copy back, 1 to 9."""
        names = {f"{name[:-1]}{number}": name for name in self._packages}
        return _translator(names, {to: word for word, to in self._shifted(number).items()})

    def _shifted(self, number: int) -> dict[str, str]:
        return {
            word: block[(place + number) % len(block)] for block in self._blocks for place, word in enumerate(block)
        }


def _translator(names: Mapping[str, str], words: Mapping[str, str]) -> Callable[[str], str]:
    """Return what exchanges whole names, and elsewhere words, whose capitals are kept."""
    pattern = re.compile(rf"\b({'|'.join(map(re.escape, names))})\b|{_WORD.pattern}")

    def translated(match: re.Match[str]) -> str:
        written = match[0]
        if match[1]:
            return names[written]
        other = words.get(written.lower())
        if other is None:
            return written
        return other if written.islower() else other.upper() if written.isupper() else other.capitalize()

    return lambda text: pattern.sub(translated, text)


def gather(settings: Settings, place: Path, libraries: Iterable[str] = LIBRARIES) -> None:
    """Write the kept files of released libraries to one folder: packages at its top, the others in `docs/LIBRARY`."""
    for spec in libraries:
        tree = open_source(spec, settings)
        for file in tree.files:
            _write(place / _place(tree, file.path), tree.read(file))
    _name(place)


def copy(original: Path, place: Path, words: Words, copies: int) -> None:
    """Write the original and its copies side by side, `copies` in all; their documents go to `docs/NUMBER`."""
    translators = {number: words.copying(number) for number in range(1, copies)}
    for path in _files(original):
        content = (original / path).read_bytes()
        _write(place / path, content)
        for number, translate in translators.items():
            top = f"docs/{number}" if path.parts[0] == "docs" else translate(path.parts[0])
            inner = translate("/".join(path.parts[1:]))
            _write(place / top / inner, translate(content.decode()).encode())
    _name(place)


def read_words(original: Path) -> Words:
    """Return the words of a gathered corpus."""
    texts = ((original / path).read_text() for path in _files(original) if path.suffix == ".py")
    return Words(texts, [path.parent.name for path in original.glob("*/__init__.py")])


def _files(root: Path) -> Iterator[PurePosixPath]:
    """Yield the files, without the one that names the folder."""
    return (PurePosixPath(path.relative_to(root)) for path in sorted(root.glob("*/**/*")) if path.is_file())


def _name(place: Path) -> None:
    _write(place / "pyproject.toml", f'[project]\nname = "{place.name}"\nversion = "1"\n'.encode())


def _place(tree: SourceTree, path: str) -> PurePosixPath:
    for package in tree.packages:
        if path.startswith(f"{package}/"):
            return PurePosixPath(package).name / PurePosixPath(path).relative_to(package)
    return PurePosixPath("docs", tree.library, path)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
