"""Names in a question that the asked version of the library does not have, and what there is instead.

An accusation needs a reason: the name is written from the library's root, or begins with one of its classes, or another
indexed version has it, or the library's own guide says that it went. What merely looks like one of its modules
(`data.shape`, `actor.local`) may be the asker's own variable.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from msgspec import Struct
from msgspec.structs import replace

from agent.dotted_names import is_file_or_site, written_names
from agent.errors import IndexError_, NotFound, ServiceError
from agent.schema import Finding
from agent.symbols import ApiModel, Symbol
from agent.symbols.difference import leads_outside, place
from agent.symbols.guides import Statement
from agent.symbols.replacements import Replacement, Replacements
from agent.verification import missing
from agent.versions import Versions

_SAYS_SO = re.compile(
    r"unexpected keyword|(?:Type|Attribute|Import|ModuleNotFound)Error|\b(?:does|do) ?n['o]?t exist"
    r"|\b(?:new version|gone|no longer|still|used to|before|happened to|i (?:used|wrote|had))\b"
    r"|\b(?:old|previous|migrat|replac|renam|remov|instead)",
    re.IGNORECASE,
)
_MOST = 3
"""Names told of in one answer."""
_MOST_LOOKED_UP = 50
"""Names looked up for one answer: a long traceback is no reason to search for long."""
_KNOWN = frozenset({"guide", "deprecation", "moved"})
_CALLABLE = frozenset({"function", "class", "method"})


class AbsentName(Struct, frozen=True):
    """A name of the library that one version does not have.

    Attributes:
        written: as it stands in the question.
        path: the public path it stands for.
        was_in: the nearest indexed version that has it, or None.
        was: what it is there.
        certain: False where a base class outside the library may still bring it.
        now: where the name exists and is something else now (a function became a module), what it is.
        replacements: best first.
        told: what the library's own guide says of its going, unless it is known what took its place.
    """

    written: str
    path: str
    was_in: str | None = None
    was: Symbol | None = None
    certain: bool = True
    now: str | None = None
    replacements: tuple[Replacement, ...] = ()
    told: Statement | None = None

    @property
    def is_explained(self) -> bool:
        """Whether the library itself tells what became of it."""
        return self.told is not None or any(item.why in _KNOWN for item in self.replacements)


class AbsentNames:
    """Looks a question's names up in one version, and where that lacks them, in the others.

    Args:
        library: its name.
        version: the version that is asked.
        api: API model of that version.
        versions: the others; they are read when a name is missing.
    """

    def __init__(self, library: str, version: str, api: ApiModel, versions: Versions) -> None:
        self._library = library
        self._version = version
        self._api = api
        self._versions = versions
        self._replacements: dict[str | None, Replacements] = {}

    def find(self, question: str) -> tuple[AbsentName, ...]:
        """Return the missing names, in the question's order, at most three."""
        found: dict[str, AbsentName] = {}
        for written in written_names(question)[:_MOST_LOOKED_UP]:
            absent = self._look_up(written)
            if absent is not None:
                found.setdefault(absent.path, absent)
        # Of a module that went and what it held, the latter says more.
        told = [name for path, name in found.items() if not any(other.startswith(f"{path}.") for other in found)]
        return tuple(told[:_MOST])

    def advise(self, finding: Finding) -> Finding:
        """Return a finding on an unknown name with which other version has it, and what is known to have replaced it.

        Where nothing is known to have replaced it, the names that the finding has as suggestions stay.
        """
        path = finding.path if finding.kind == "unknown-name" else None
        absent = self._look_up(path) if path is not None else None
        if path is None or absent is None or not absent.certain:
            return finding
        aside = f" (it is in {absent.was_in})" if absent.was_in else ""
        known = tuple(item.path for item in absent.replacements if item.why in _KNOWN)
        if not known:
            return replace(finding, message=missing(path, finding.suggestions, aside)) if aside else finding
        also = f"; also: {', '.join(f'`{path}`' for path in known[1:])}" if known[1:] else ""
        words = f"{missing(path, (), aside)} Use `{known[0]}`{also}."
        return replace(finding, message=words, suggestions=known)

    def _look_up(self, written: str) -> AbsentName | None:
        here = [*_readings(self._api, written)]
        if any(self._exists(path) for path in here):
            return next(filter(None, (self._became(written, path) for path in here)), None)
        for version in self._others:
            api = self._model(version)
            for path in dict.fromkeys([*here, *_readings(api, written)]) if api is not None else ():
                was = api.resolve(path) if api is not None else None
                if was is not None and was.public and not self._exists(path):
                    return self._absent(written, path, version, was)
        return next(filter(None, (self._unknown_anywhere(written, path, here) for path in here)), None)

    def _exists(self, path: str) -> bool:
        return self._api.presence(path) == "known" or leads_outside(self._api, path)

    def _became(self, written: str, path: str) -> AbsentName | None:
        """Return a name that can't be called any more: `actor.slicer` was a function and is a module."""
        now = self._api.resolve(path)
        if now is None or now.kind != "module":
            return None
        for version in self._others:
            api = self._model(version)
            was = api.resolve(path) if api is not None else None
            if was is not None and was.kind in _CALLABLE:
                return self._absent(written, path, version, was, now=now.kind)
        return None

    def _unknown_anywhere(self, written: str, path: str, readings: Sequence[str]) -> AbsentName | None:
        """Return a name that no indexed version has, if nothing but the library can be meant."""
        if self._api.presence(path) != "unknown" or is_file_or_site(written):
            return None
        missing = next(part for part in _beginnings(path) if self._api.presence(part) == "unknown")
        absent = self._absent(written, missing, None, None)
        first = written.partition(".")[0]
        rooted = first in self._api.roots
        of_class = first[:1].isupper() and all(self._api.presence(reading) == "unknown" for reading in readings)
        in_guide = absent.told is not None or any(item.why == "guide" for item in absent.replacements)
        return absent if rooted or of_class or in_guide else None

    def _absent(
        self, written: str, path: str, version: str | None, was: Symbol | None, *, now: str | None = None
    ) -> AbsentName:
        replacements = self._replacements_from(version)
        certain = now is not None or self._api.presence(path) == "unknown"
        found = replacements.of(path)
        known = now is not None or any(item.why in _KNOWN for item in found)
        return AbsentName(written, path, version, was, certain, now, found, None if known else replacements.told(path))

    @cached_property
    def _statements(self) -> tuple[Statement, ...]:
        with contextlib.suppress(NotFound, IndexError_, ServiceError):
            return self._versions.statements(self._library, self._version)
        return ()  # the note is worth having without the guide

    @property
    def _others(self) -> tuple[str, ...]:
        """The other indexed versions, newest first; one may be added or removed while we serve."""
        return tuple(version for version in self._versions.names(self._library) if version != self._version)

    def _model(self, version: str) -> ApiModel | None:
        with contextlib.suppress(NotFound, IndexError_):
            return self._versions.api(self._library, version)
        return None  # a version that cannot be read has nothing to say

    def _replacements_from(self, version: str | None) -> Replacements:
        if version not in self._replacements:
            old = self._model(version) if version is not None else None
            self._replacements[version] = Replacements(self._api, old, self._statements)
        return self._replacements[version]


def _readings(api: ApiModel, written: str) -> Iterator[str]:
    """Yield the rooted paths that a dotted name may stand for: from a root, a module, a class or an object of one."""
    first, _, rest = written.partition(".")
    if first in api.roots:
        yield written
        return
    for kind in ("module", "class"):
        for symbol in _holders(api, first):
            if symbol.kind == kind and symbol.public:
                yield f"{symbol.public}.{rest}"


def _holders(api: ApiModel, first: str) -> Iterator[Symbol]:
    yield from api.find(first)
    if first.islower():  # `show_manager.start`, `scene.rm`: objects are called after their class
        yield from api.find("".join(part.title() for part in first.split("_")))


def _beginnings(path: str) -> Iterator[str]:
    parts = path.split(".")
    return (".".join(parts[:count]) for count in range(1, len(parts) + 1))


def says_it_is_missing(question: str) -> bool:
    """Return whether somebody knows that something is not there, or not any more, and asks what to do."""
    return _SAYS_SO.search(question) is not None


def describe(absent: Sequence[AbsentName], library: str, version: str, numbers: Mapping[str, int]) -> str:
    """Return what a reader must know of missing names, as Markdown; empty where none is missing.

    Args:
        absent: the names.
        library: its name.
        version: the version that lacks them.
        numbers: number of each passage, by definition path and by id.
    """
    return "\n\n".join(" ".join(_sentences(name, f"{library} {version}", numbers)) for name in absent)


def _sentences(name: AbsentName, where: str, numbers: Mapping[str, int]) -> Iterator[str]:
    shown = name.written if name.was is None and name.path.endswith(f".{name.written}") else name.path
    if name.now is not None and name.was is not None:
        yield f"**`{name.path}` is a {name.now} in {where}**; in {name.was_in} it was a {name.was.kind}."
    elif name.certain:
        yield f"**`{shown}` does not exist in {where}**" + (f" (it is in {name.was_in})." if name.was_in else ".")
    else:
        yield f"**`{name.path}` is not in the sources of {where}** (it is in those of {name.was_in})."
    if name.replacements:
        yield _nearest(name.replacements[0], numbers)
        also = ", ".join(f"`{item.path}`" for item in name.replacements[1:])
        if also:
            yield f"Also: {also}."
    if name.told is not None:
        yield f"{_quoted(name.told, numbers)}."


def _nearest(item: Replacement, numbers: Mapping[str, int]) -> str:
    what = f"`{item.path}` ({place(item.symbol)}){_mark(numbers, item.symbol.path)}"
    if item.evidence is not None:
        return f"Use {what}. {_quoted(item.evidence, numbers)}."
    return {
        "guide": f"Use {what}.",
        "deprecation": f"Use {what}, as its deprecation notice said.",
        "moved": f"It moved to {what}.",
        "same name": f"Something of the same name is at {what}.",
        "close name": f"The nearest name is {what}.",
    }[item.why]


def _quoted(said: Statement, numbers: Mapping[str, int]) -> str:
    return f"The library's own words, {said.place}{_mark(numbers, said.chunk)}: “{said.text.rstrip('.')}”"


def _mark(numbers: Mapping[str, int], key: str) -> str:
    return f" [{numbers[key]}]" if key in numbers else ""
