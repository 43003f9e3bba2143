"""From what a question names to the definitions that it means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import islice

from agent.chunking.tokens import code_tokens
from agent.dotted_names import is_file_or_site, lacking_members
from agent.manifest import Manifest
from agent.ranking.name_ranking import NameRanking
from agent.symbols import ApiModel

MENTIONED_DEPTH = 50
"""How many definitions may bear a name that is written out."""
_MOST_RESPELLED = 5
"""Unknown names that are compared with the known ones: a pasted program is no reason to search for long."""

_IDENTIFIER = re.compile(
    r"`([^`\n]{1,200})`|\b([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+|[A-Za-z]+_\w+|[A-Z][a-z0-9]+[A-Z]\w*)\b|\b(\w+)\("
)
_FILE = re.compile(r"(?<![\w./\\@:-])(?<!File \")((?:[\w.-]{1,100}[/\\]){0,20}[\w-]{1,100}\.py[ix]?)\b")
"""A module's file as the library has it; one of somebody's machine (`/home/me/window.py`) is a traceback's."""
_MOST_FILES = 3
"""Files that are looked for, and modules that one may mean: there are many called `core.py`."""


class NamedPlaces:
    """The definitions of one generation, by their names.

    Args:
        manifest: which tokens the names are made of.
        api: what dotted names stand for.
    """

    def __init__(self, manifest: Manifest, api: ApiModel) -> None:
        self._manifest = manifest
        self._api = api
        self._words = NameRanking(manifest)

    def in_words(self, question: str) -> list[str]:
        """Rank definitions by how much of their name the question says in plain words, rare words first.

        Returns:
            Ids of chunks.
        """
        return self._words.rank(code_tokens(question))

    def mentioned(self, question: str) -> list[str]:
        """Rank the definitions that the question writes out as code: `actor.sphere`, ShowManager, update_full.

        An attribute has no passage of its own: it leads to the class or module that holds it.

        Returns:
            Ids of chunks.
        """
        symbols = [symbol for name in identifiers(question) for symbol in self._api.find(name, MENTIONED_DEPTH)]
        return self.places(
            symbol.path.rpartition(".")[0] if symbol.kind == "attribute" else symbol.path for symbol in symbols
        )

    def in_files(self, question: str) -> list[str]:
        """Return the beginnings of the modules whose files the question names, whole or by the end of their paths.

        Returns:
            Ids of chunks.
        """
        files = dict.fromkeys(name.replace("\\", "/").removeprefix("./") for name in _FILE.findall(question))
        return [id_ for file in islice(files, _MOST_FILES) for id_ in self._manifest.modules_at(file, _MOST_FILES)]

    def members(self, question: str, found: Sequence[str]) -> list[str]:
        """Rank the members of the classes that the question writes out, in the order in which they were found.

        "Which method of `Session` sends a request?" names the class and asks for something else.

        Args:
            question: the user's words.
            found: ids of the chunks that match them, best first.
        """
        named = {symbol.path for name in identifiers(question) for symbol in self._api.find(name, MENTIONED_DEPTH)}
        classes = {path for path in named if self._api.symbols[path].kind == "class"}
        owner = {id_: path.rpartition(".")[0] for id_, path in self._manifest.definitions(found if classes else ())}
        return [id_ for id_ in found if owner.get(id_) in classes]

    def places(self, definitions: Iterable[str]) -> list[str]:
        """Return the ids of the chunks of definitions, in their order; what has none is left out."""
        rank = {path: number for number, path in enumerate(dict.fromkeys(definitions))}
        places = self._manifest.qualified(rank)
        return [place.id for place in sorted(places, key=lambda place: (rank[place.qualified or ""], place.id))]


def identifiers(question: str) -> list[str]:
    """Return what is written like code in a question: back-quoted, dotted, snake_case, CamelCase or called.

    So is the class of which Python says that it lacks a member, whatever it is called (`Scene`).
    """
    found = (next(group for group in match.groups() if group) for match in _IDENTIFIER.finditer(question))
    lacking = (name.partition(".")[0] for name in lacking_members(question))
    return list(dict.fromkeys(name.strip().removesuffix("()") for name in (*found, *lacking)))


def spelled(question: str, api: ApiModel) -> str:
    """Return the question with slips of the pen in names written as code put right: `actor.spere`, `showManager`.

    What is only capitalised (`ImGui` for `imgui`) is how prose calls a thing, and no slip.
    """
    unknown = (name for name in identifiers(question) if not is_file_or_site(name) and not api.find(name, 1))
    for name in islice(unknown, _MOST_RESPELLED):
        last = name.rpartition(".")[2]
        true = api.respelled(last)
        if true is not None and true != last.lower():
            question = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", name.removesuffix(last) + true, question)
    return question
