"""What a library says of itself, as questions with the places that answer them."""

from __future__ import annotations

import ast
import hashlib
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import griffe
from msgspec import Struct
from msgspec.structs import replace

from agent.schema import SourceTree
from agent.symbols import ApiModel, Symbol
from evals import phrasing
from evals.cases import Case, Gold
from evals.definitions import definitions

_ALIKE = 3
"""A sentence that more definitions share is a form of words and asks nothing."""
_EXCEPTION = re.compile(r"(?:Error|Exception|Warning)$")

_Node = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class _File(Struct, frozen=True):
    path: str
    module: str | None
    role: str
    text: str
    syntax: ast.Module


class _Definition(Struct, frozen=True):
    """A function or class: `symbol` as the API model has it, `name` as it is called inside the file."""

    file: _File
    name: str
    symbol: Symbol
    node: _Node
    owner: str

    @property
    def gold(self) -> Gold:
        """Where it is; who finds the class of a constructor has found the constructor."""
        name = self.owner if self.symbol.name == "__init__" else self.name
        return Gold(self.file.path, name, (self.symbol.start_line, self.symbol.end_line))

    @property
    def kind(self) -> str:
        """What its users call it."""
        if isinstance(self.node, ast.ClassDef):
            bases = (base.path for base in self.symbol.bases)
            return "exception" if any(_EXCEPTION.search(name) for name in (self.name, *bases)) else "class"
        return "method" if self.owner else "function"

    @property
    def place(self) -> str:
        return f"{self.file.path}:{self.symbol.start_line}"

    @property
    def doc(self) -> str:
        return ast.get_docstring(self.node) or ""


def find_cases(tree: SourceTree, api: ApiModel) -> tuple[Case, ...]:
    """Return every case that can be made, in the order of the files; the same question asked twice has both places."""
    files = tuple(_files(tree))
    defined = tuple(_definitions(files, api))
    cases = (
        *_from_examples(files, defined, api),
        *_from_summaries(defined),
        *_from_parameters(defined),
        *_from_errors(defined),
    )
    merged: dict[str, Case] = {}
    for case in cases:
        known = merged.setdefault(case.question, case)
        merged[case.question] = replace(known, gold=tuple(dict.fromkeys((*known.gold, *case.gold))))
    return tuple(merged.values())


def _files(tree: SourceTree) -> Iterator[_File]:
    for file in sorted(tree.files, key=lambda file: file.path):
        if not file.path.endswith(".py"):
            continue
        text = tree.read(file).decode()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # other people's invalid escapes
            try:
                yield _File(file.path, file.module, file.role, text, ast.parse(text))
            except (SyntaxError, ValueError):
                continue


def _definitions(files: Iterable[_File], api: ApiModel) -> Iterator[_Definition]:
    """Yield what is public, not deprecated, and found again by whoever checks the cases."""
    for file in files:
        if file.module is None:
            continue
        known = definitions(file.text)
        for name, owner, node in _named(file.syntax):
            symbol = api.symbols.get(f"{file.module}.{name}")
            holder = api.symbols.get(f"{file.module}.{owner}") if owner else None
            if symbol is None or symbol.file != file.path or name not in known:
                continue
            # A constructor has no public path of its own.
            public = holder.public if holder and symbol.name == "__init__" else symbol.public
            if public and not symbol.is_private and not symbol.deprecated and not (holder and holder.deprecated):
                yield _Definition(file, name, symbol, node, owner)


def _named(module: ast.Module) -> Iterator[tuple[str, str, _Node]]:
    """Yield qualified name, name of the class around, and node, of functions, classes and methods."""
    for node in module.body:
        if isinstance(node, _Node):
            yield node.name, "", node
        if isinstance(node, ast.ClassDef):
            for member in node.body:
                if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield f"{node.name}.{member.name}", node.name, member


def _case(question: str, provenance: str, kind: str, source: str, gold: Iterable[Gold], mention: str = "") -> Case:
    digest = hashlib.sha256(question.encode()).hexdigest()[:12]
    return Case(
        id=f"{provenance.removeprefix('generated_')}-{digest}",
        question=question,
        source=source,
        kind=kind,
        gold=tuple(gold),
        provenance=provenance,
        scope="repo" if provenance == "generated_example" else "package",
        must_mention=(mention,) if mention else (),
    )


# --- examples ---------------------------------------------------------------------------------------


def _from_examples(files: Iterable[_File], defined: Iterable[_Definition], api: ApiModel) -> Iterator[Case]:
    known = {definition.symbol.path: definition for definition in defined}
    examples = [file for file in files if file.role == "example"]
    uses = {file.path: _uses(file.syntax, api) & known.keys() for file in examples}
    users = Counter(path for used in uses.values() for path in used)
    for file in examples:
        title, text = _title(ast.get_docstring(file.syntax) or "")
        question = phrasing.ask_for_example(title, text)
        if question is None or not phrasing.usable(question, least=5):
            continue
        # Of what the question speaks of, that which only few examples use; `Scene` is in all of them.
        few = max(2, len(examples) // 10)
        special = [path for path in uses[file.path] if users[path] <= few and _is_spoken_of(path, question.lower())]
        gold = [known[path].gold for path in sorted(special, key=lambda path: (users[path], path))[:2]]
        yield _case(question, "generated_example", "howto", file.path, [Gold(file.path), *gold])


def _title(doc: str) -> tuple[str, str]:
    """Return the title and the first sentence below it; titles are over- or underlined, or alone in their paragraph."""
    lines = [line for line in doc.splitlines() if not line.strip() or set(line.strip()) - set("=-~*#^")]
    title, _, text = "\n".join(lines).strip().partition("\n")
    return phrasing.first_sentence(title), phrasing.first_sentence(text)


def _is_spoken_of(path: str, words: str) -> bool:
    parts = path.rpartition(".")[2].lower().split("_")
    return any(len(part) > 2 and part in words for part in parts)


def _uses(syntax: ast.Module, api: ApiModel) -> set[str]:
    """Return the definition paths of what a script names, through its imports."""
    imported: dict[str, str] = {}
    for node in ast.walk(syntax):
        match node:
            case ast.Import(names=names):
                imported |= {
                    name.asname or _root(name.name): name.name if name.asname else _root(name.name) for name in names
                }
            case ast.ImportFrom(module=str(module), level=0, names=names):
                imported |= {name.asname or name.name: f"{module}.{name.name}" for name in names}
            case _:
                pass
    dotted = {_dotted(node, imported) for node in ast.walk(syntax) if isinstance(node, ast.Name | ast.Attribute)}
    return {symbol.path for name in dotted if name and (symbol := api.resolve(name))}


def _root(dotted: str) -> str:
    return dotted.partition(".")[0]


def _dotted(node: ast.expr, imported: Mapping[str, str]) -> str | None:
    match node:
        case ast.Name(id=name):
            return imported.get(name)
        case ast.Attribute(value=value, attr=name):
            owner = _dotted(value, imported)
            return f"{owner}.{name}" if owner else None
        case _:
            return None


# --- docstrings -------------------------------------------------------------------------------------


def _from_summaries(defined: Iterable[_Definition]) -> Iterator[Case]:
    by_summary: dict[tuple[str, str], list[_Definition]] = {}
    for definition in defined:
        sentence = phrasing.first_sentence(definition.doc)
        if (
            definition.symbol.name != "__init__"
            and phrasing.usable(sentence)
            and not phrasing.names(sentence, definition.symbol.name)
        ):
            by_summary.setdefault((definition.owner, sentence), []).append(definition)
    shared = Counter(sentence for _, sentence in by_summary)
    for (owner, sentence), alike in by_summary.items():
        first = alike[0]
        which = int(hashlib.sha256(sentence.encode()).hexdigest(), 16) % 2 == 0
        question = phrasing.ask_what_does(sentence, first.kind, owner, which=which)
        if question and len(alike) <= _ALIKE and shared[sentence] <= _ALIKE and phrasing.usable(question):
            gold = [definition.gold for definition in alike]
            asked = "lookup" if question.startswith("Which") else "howto"
            yield _case(
                question, "generated_docstring", asked, first.place, gold, first.symbol.name if len(alike) == 1 else ""
            )


# --- parameters -------------------------------------------------------------------------------------


def _from_parameters(defined: Iterable[_Definition]) -> Iterator[Case]:
    described = [
        (definition, parameter, phrasing.first_sentence(description))
        for definition in defined
        for parameter, description in _described(definition)
    ]
    shared = Counter(sentence for *_, sentence in described)
    for definition, parameter, sentence in described:
        if shared[sentence] > _ALIKE or not phrasing.usable(sentence) or phrasing.names(sentence, parameter):
            continue
        callee = definition.owner if definition.symbol.name == "__init__" else definition.name
        question = phrasing.ask_for_argument(sentence, callee)
        if question:
            yield _case(question, "generated_parameter", "lookup", definition.place, [definition.gold], parameter)


def _described(definition: _Definition) -> Iterator[tuple[str, str]]:
    """Yield parameters and their descriptions, in whatever style the docstring is written."""
    declared = {parameter.name for parameter in definition.symbol.bound_parameters}
    doc = griffe.Docstring(definition.doc)
    with griffe.logger.disable():
        # Its guess misses a docstring of one `:param`.
        sections = griffe.parse_sphinx(doc) if ":param " in doc.value else griffe.parse_auto(doc)
    for section in sections:
        if isinstance(section, griffe.DocstringSectionParameters):
            yield from ((entry.name, entry.description) for entry in section.value if entry.name in declared)


# --- errors -----------------------------------------------------------------------------------------


def _from_errors(defined: Iterable[_Definition]) -> Iterator[Case]:
    raised: dict[tuple[str, str], list[_Definition]] = {}
    for definition in defined:
        if definition.kind in {"class", "exception"}:
            continue  # its methods come by themselves
        for error in dict.fromkeys(_literal_errors(definition.node)):
            raised.setdefault(error, []).append(definition)
    for (kind, message), places in raised.items():
        if len(places) <= _ALIKE and phrasing.usable(message):
            question = f"I get `{kind}: {message}`, why?"
            yield _case(question, "generated_error", "usage", places[0].place, [place.gold for place in places])


def _literal_errors(function: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(function):
        match node:
            case ast.Raise(
                exc=ast.Call(
                    func=ast.Name(id=kind) | ast.Attribute(attr=kind), args=[ast.Constant(value=str(text)), *_]
                )
            ):
                yield kind, " ".join(text.split())
            case _:
                pass
