"""`python -m evals.mutations`: how many invented names and wrong calls the checker finds, repairs, and accuses wrongly.

The library's own examples are changed in one place at a time, so that they are certain to fail: an invented name is a
word that occurs nowhere in the library's sources, and a changed call is one that `inspect.Signature.bind` refuses.
"""

from __future__ import annotations

import argparse
import ast
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager

from msgspec import Struct

from agent.errors import AgentError
from agent.schema import SourceTree
from agent.settings import Settings
from agent.sources import open_source
from agent.symbols import ApiModel
from agent.symbols.reader import ast_source
from agent.verification import Finding, check_code
from evals.certain_uses import CertainUses, binds
from evals.repairs import RepairScore, score_repairs
from evals.seeded import Mutation, seeded_imports

COUNT = 800
ACCUSING = ("syntax", "undefined-name", "unknown-name", "bad-call")


class Score(Struct, frozen=True):
    """How many mutations of one kind and style were found; `stray` counts accusations of something else."""

    made: int
    found: int
    stray: int

    @property
    def recall(self) -> float:
        """Share that was found, 0..1."""
        return self.found / self.made if self.made else 1.0


def examples(tree: SourceTree) -> dict[str, str]:
    """Return the Python files of a source tree's examples."""
    chosen = (file for file in tree.files if file.role == "example" and file.language == "python")
    return {file.path: ast_source(tree.read(file)) for file in chosen}


def library_words(tree: SourceTree) -> frozenset[str]:
    """Return every word that occurs in the library's own Python files."""
    sources = (ast_source(tree.read(file)) for file in tree.files if file.module and file.language == "python")
    return frozenset(word for source in sources for word in re.findall(r"\w+", source))


def accusations(sources: Mapping[str, str], api: ApiModel) -> dict[str, list[Finding]]:
    """Return what the checker finds wrong in each file, files without a finding left out."""
    found = {
        path: [finding for finding in check_code(source, api).findings if finding.kind in ACCUSING]
        for path, source in sources.items()
    }
    return {path: findings for path, findings in found.items() if findings}


def mutate(sources: Mapping[str, str], api: ApiModel, words: frozenset[str], count: int, seed: int) -> list[Mutation]:
    """Return up to `count` mutations, half of them names and half calls, each of another place or in another way."""
    dice = random.Random(seed)  # noqa: S311 - a reproducible sample, no secret
    changes: dict[str, list[_Change]] = {"unknown-name": [], "bad-call": []}
    for path, source in sorted(sources.items()):
        for change in _changes(path, source, api, words, dice):
            changes[change.kind].append(change)
    return [
        change.made() for of_kind in changes.values() for change in dice.sample(of_kind, min(count // 2, len(of_kind)))
    ]


def score(mutations: Sequence[Mutation], api: ApiModel) -> dict[tuple[str, str], Score]:
    """Check every mutation; return the scores by kind and style."""
    totals: Counter[tuple[str, str, str]] = Counter()
    before: dict[str, Counter[str]] = {}
    for mutation in mutations:
        if mutation.file not in before:
            before[mutation.file] = Counter(map(_identity, _accused(mutation.before, api)))
        new = _accused(mutation.after, api)
        fresh = Counter(map(_identity, new)) - before[mutation.file]
        hit = any(f.kind == mutation.kind and mutation.subject in (f.path or "").split(".")[-1:] for f in new)
        hit = hit and any(key.startswith(mutation.kind) for key in fresh)
        key = mutation.kind, mutation.style
        totals[(*key, "made")] += 1
        totals[(*key, "found")] += hit
        totals[(*key, "stray")] += sum(fresh.values()) - hit
    keys = sorted({key[:2] for key in totals})
    return {key: Score(*(totals[(*key, name)] for name in ("made", "found", "stray"))) for key in keys}


def total(scores: Mapping[tuple[str, str], Score], kind: str) -> Score:
    """Add the scores of one kind."""
    of_kind = [value for key, value in scores.items() if key[0] == kind]
    return Score(sum(s.made for s in of_kind), sum(s.found for s in of_kind), sum(s.stray for s in of_kind))


def _accused(code: str, api: ApiModel) -> list[Finding]:
    return [finding for finding in check_code(code, api).findings if finding.kind in ACCUSING]


def _identity(finding: Finding) -> str:
    return f"{finding.kind} {finding.path} {finding.message}"


# --- changing one place ---------------------------------------------------------------------------


class _Change(Struct, frozen=True):
    """A change that is still to be made: new values for a node's fields."""

    kind: str
    style: str
    file: str
    subject: str
    tree: ast.Module
    node: ast.AST
    values: dict[str, object]

    def made(self) -> Mutation:
        """Return the mutation; the tree is left as it was."""
        before = ast.unparse(self.tree)
        with _changed(self.node, self.values):
            after = ast.unparse(self.tree)
        return Mutation(self.kind, self.style, self.file, self.subject, before, after)


def _changes(path: str, source: str, api: ApiModel, words: frozenset[str], dice: random.Random) -> Iterator[_Change]:
    """Yield all changes of one file; places whose meaning is not certain are left alone."""
    tree = ast.parse(source)
    places = CertainUses(tree, api)
    for alias in places.imports:
        style, name = _invent(alias.name, words, dice)
        values: dict[str, object] = {"name": name, "asname": alias.asname or alias.name}
        yield _Change("unknown-name", f"import, {style}", path, name, tree, alias, values)
    for statement in places.modules:
        owner, _, last = (statement.module or "").rpartition(".")
        style, name = _invent(last, words, dice)
        values = {"module": f"{owner}.{name}"}
        yield _Change("unknown-name", f"module, {style}", path, name, tree, statement, values)
    for node in places.attributes:
        style, name = _invent(node.attr, words, dice)
        yield _Change("unknown-name", style, path, name, tree, node, {"attr": name})
    for call, symbol in places.calls:
        for style, args, keywords in _wrong_arguments(call, words, dice):
            if not binds(args, keywords, symbol):
                values = {"args": args, "keywords": keywords}
                yield _Change("bad-call", style, path, _called(call), tree, call, values)


@contextmanager
def _changed(node: ast.AST, values: Mapping[str, object]) -> Generator[None]:
    before = {name: getattr(node, name) for name in values}
    for name, value in values.items():
        setattr(node, name, value)
    yield
    for name, value in before.items():
        setattr(node, name, value)


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


_STYLES: dict[str, Callable[[str, random.Random], str]] = {
    "prefix": lambda name, dice: dice.choice(("add_", "create_", "make_", "get_", "draw_")) + name,
    "suffix": lambda name, dice: name + dice.choice(("s", "_actor", "_2d", "_from_array", "_all")),
    "doubled letter": lambda name, dice: _at(name, dice, lambda letter: letter * 2),
    "dropped letter": lambda name, dice: _at(name, dice, lambda _: ""),
    "case": lambda name, _: name.title().replace("_", "") if name.islower() else name.lower(),
}


def _invent(name: str, words: frozenset[str], dice: random.Random) -> tuple[str, str]:
    """Return a style and a name in it that occurs nowhere in the library."""
    while True:
        style = dice.choice(list(_STYLES))
        made = _STYLES[style](name, dice)
        if made.isidentifier() and made not in words:
            return style, made


def _at(name: str, dice: random.Random, change: Callable[[str], str]) -> str:
    place = dice.randrange(len(name))
    return name[:place] + change(name[place]) + name[place + 1 :]


_Arguments = tuple[str, list[ast.expr], list[ast.keyword]]


def _wrong_arguments(call: ast.Call, words: frozenset[str], dice: random.Random) -> Iterator[_Arguments]:
    """Yield arguments that may be wrong: whether they are is asked afterwards."""
    args, keywords = call.args, call.keywords
    one = ast.Constant(1)
    yield "unknown keyword", args, [*keywords, ast.keyword(_invent("option", words, dice)[1], one)]
    for index, keyword in enumerate(keywords):
        if keyword.arg is not None:
            renamed = ast.keyword(_invent(keyword.arg, words, dice)[1], keyword.value)
            yield "renamed keyword", args, [*keywords[:index], renamed, *keywords[index + 1 :]]
            yield "dropped argument", args, keywords[:index] + keywords[index + 1 :]
    if args:
        yield "dropped argument", args[:-1], keywords
    yield "one positional more", [*args, one], keywords
    if keywords:
        yield "keywords by position", [*args, *(keyword.value for keyword in keywords)], []


# --- the command -----------------------------------------------------------------------------------


def main(arguments: list[str] | None = None) -> int:
    """Print the table; exit code 1 when the sources could not be had."""
    parser = argparse.ArgumentParser(prog="python -m evals.mutations", description=__doc__)
    parser.add_argument("--source", default="fury==2.0.0", help="SPEC of the library")
    parser.add_argument("--count", type=int, default=COUNT, help="how many mutations")
    parser.add_argument("--seed", type=int, default=0, help="which ones")
    parser.add_argument("--misses", action="store_true", help="list the mutations that were not found")
    options = parser.parse_args(arguments)
    try:
        tree = open_source(options.source, Settings())
    except AgentError as error:
        print(f"evals.mutations: {error}", file=sys.stderr)  # noqa: T201 - this is the command's own message
        return 1
    api = ApiModel.build(tree)
    sources = examples(tree)
    chosen = mutate(sources, api, library_words(tree), options.count, options.seed)
    scores = score(chosen, api)
    repairs = score_repairs([*chosen, *seeded_imports(sources, api, options.count // 4, options.seed)], api)
    sys.stdout.write(_table(scores) + _accusation_lines(sources, api) + _repair_table(repairs))
    if options.misses:
        missed = (m for m in chosen if not any(s.found for s in score([m], api).values()))
        sys.stdout.writelines(f"missed: {m.file} {m.kind} {m.style} {m.subject}\n" for m in missed)
    return 0


def _table(scores: Mapping[tuple[str, str], Score]) -> str:
    rows = [(f"{kind}: {style}", value) for (kind, style), value in scores.items()]
    rows += [(f"all {kind}", total(scores, kind)) for kind in ("unknown-name", "bad-call")]
    head = f"{'mutation':40}{'made':>8}{'found':>8}{'recall':>8}{'stray':>8}\n"
    return head + "".join(f"{name:40}{s.made:8}{s.found:8}{s.recall:8.3f}{s.stray:8}\n" for name, s in rows)


def _repair_table(scores: Mapping[tuple[str, str], RepairScore]) -> str:
    rows = [(f"{kind}: {style}", value) for (kind, style), value in scores.items()]
    right, wrong, left = (sum(getattr(s, name) for s in scores.values()) for name in ("right", "wrong", "left"))
    rows.append(("all", RepairScore(right, wrong, left)))
    head = f"\n{'repair of':50}{'made':>8}{'right':>8}{'wrong':>8}{'left':>8}\n"
    return head + "".join(f"{name:50}{s.made:8}{s.right:8}{s.wrong:8}{s.left:8}\n" for name, s in rows)


def _accusation_lines(sources: Mapping[str, str], api: ApiModel) -> str:
    found = accusations(sources, api)
    lines = [f"{path}:{f.line}:{f.column}: {f.message}" for path, findings in found.items() for f in findings]
    count = f"\n{len(sources)} unchanged examples, {len(lines)} accusations"
    return "\n".join([count, *lines]) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
