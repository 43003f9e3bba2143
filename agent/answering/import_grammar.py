"""A grammar under which nothing is imported from a library that it does not have, for a model that can be held to one.

What a small model invents in its first lines, the rest of its program builds on: a wrong call can be mended, a wrong
import is the end of it. All else is free, be it prose or code.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agent.symbols import ApiModel
from agent.symbols.model import Symbol, is_dunder

MOST_CHARACTERS = 2_000_000
"""Of a grammar: it goes with every request for a program, and is parsed each time."""
DEPTH = 9
"""Levels of modules, the package itself being the first."""
MOST_NAMES = 8
"""In one statement: a model that finds none of the names it wants may go on listing others."""
LETTER = "[a-zA-Z0-9_]"
OTHER = "[^a-zA-Z0-9_]"
NO_BLANK = "[^a-zA-Z0-9_ \\t]"
PATH = "[a-zA-Z0-9_.]"
GAP = '([ \\n\\r\\t] | "#" [^\\n]* [\\n])*'
"""What may stand between names in brackets."""
OWN = ("__all__", "__doc__", "__file__", "__version__")
"""Names that a module may have though nobody sees where."""
_Trie = dict[str, "_Trie"]


def import_grammar(api: ApiModel) -> str | None:
    """Return a grammar in llama.cpp's notation (GBNF), or None where it would be too large or there is nothing to hold.

    It accepts every text in which `import package` and `from package.module import`, first on their lines or in prose,
    go on as the library does, and behind `from package` no other word of the line begins so, which would be no Python.
    Whatever is below a module whose members are not all known is left free. No rule refers to itself, so it is a
    regular expression, too.
    """
    modules = list(_modules(api))
    roots = [module.path for module in modules if "." not in module.path and module.members_known]
    if not roots:
        return None
    rules = {
        "root": f"{OTHER}* piece* last?",
        "piece": f"word {OTHER}+ | from | import",
        "last": '(word | ("from" | "import") (" " foreign)?) "."?',
        "word": _none_of(["from", "import"]),
        "foreign": _none_of(["from", "import", *roots]),
        "prose": f'[^a-zA-Z0-9_. \\t] {OTHER}* | "." {OTHER}+ | [ \\t]+ ({NO_BLANK} {OTHER}* | told {OTHER}+)',
        "told": _none_of(["from", "import"], as_beginnings=True),
        "from": _statement("from", (f'"{root}" from-{number}' for number, root in enumerate(roots))),
        "import": _statement("import", ["from", *(f'"{root}" import-{number}' for number, root in enumerate(roots))]),
    }
    for number, root in enumerate(roots):
        own = {module.path.removeprefix(root): module for module in modules if _root(module) == root}
        opened = [path for path, module in own.items() if not module.members_known]
        free = [f'"{path}" ("." {PATH}+)? " import "' for path in opened]
        closed = [(path, module) for path, module in own.items() if module.members_known]
        names = {f"name-{number}-{index}": _any_of(_names(module, api)) for index, (_, module) in enumerate(closed)}
        rules |= names
        sources = (_source(path, name) for (path, _), name in zip(closed, names, strict=True))
        rules[f"from-{number}"] = _either([f"({PATH}+)? prose", *free, *sources])
        paths = [f"{_any_of(own)}", *(f'"{path}." {PATH}+' for path in opened)]
        rules[f"import-{number}"] = _either([f"{_either(paths)} [^a-zA-Z0-9_.] {OTHER}*", f'"." {OTHER}+'])
    grammar = "\n".join(f"{name} ::= {rule}" for name, rule in rules.items())
    return grammar if len(grammar) <= MOST_CHARACTERS else None


def _modules(api: ApiModel) -> Iterator[Symbol]:
    """Yield the public modules, each behind the one that it is in."""
    found = [package for root in api.roots if (package := api.resolve(root)) is not None]
    for _ in range(DEPTH):
        yield from found
        inside = (api.symbols.get(f"{owner.path}.{name}") for owner in found for name in _names(owner, api))
        found = [symbol for symbol in inside if symbol is not None and symbol.kind == "module"]


def _names(module: Symbol, api: ApiModel) -> list[str]:
    names = (name for name in api.members(module) if not name.startswith("_") or is_dunder(name))
    return list(dict.fromkeys((*names, *OWN)))


def _root(module: Symbol) -> str:
    return module.path.partition(".")[0]


def _statement(keyword: str, packages: Iterable[str]) -> str:
    """Return what the word accepts behind it: anything but a package that goes on wrongly."""
    behind = _either([f"{NO_BLANK} {OTHER}*", f"foreign {OTHER}+", *packages])
    return f'"{keyword}" ({NO_BLANK} {OTHER}* | [ \\t]+ {behind})'


def _source(path: str, name: str) -> str:
    """Return ` import ` and names of a module by their rule, in a line or in brackets."""
    most = f"{{0,{MOST_NAMES - 1}}}"
    called = f'{name} (" as " {LETTER}+)?'
    line, lines = f'{called} ("," " "* {called}){most}', f'"(" {GAP} {called} ("," {GAP} {called}){most} ","? {GAP} ")"'
    listed = _either([line, lines, '"*"'])
    return f'"{path} import " {listed} ([^a-zA-Z0-9_,.] {OTHER}* | "." {OTHER}+)'


def _either(choices: Iterable[str]) -> str:
    return f"({' | '.join(choices)})"


def _trie(words: Iterable[str]) -> _Trie:
    root: _Trie = {}
    for word in words:
        node = root
        for letter in word:
            node = node.setdefault(letter, {})
        node[""] = {}
    return root


def _any_of(words: Iterable[str]) -> str:
    return _branches(_trie(words))


def _branches(node: _Trie) -> str:
    return _either(f'"{letter}" {_branches(below)}' if letter else '""' for letter, below in node.items())


def _none_of(words: Iterable[str], *, as_beginnings: bool = False) -> str:
    """Return what accepts every word but these, or but those that begin so."""
    return _others(_trie(words), begun=False, as_beginnings=as_beginnings)


def _others(node: _Trie, *, begun: bool, as_beginnings: bool) -> str:
    letters = "".join(sorted(letter for letter in node if letter))
    free = "".join(each for each in map(chr, range(128)) if (each.isalnum() or each == "_") and each not in letters)
    followed = (letter for letter in letters if not (as_beginnings and "" in node[letter]))
    below = (f'"{each}" {_others(node[each], begun=True, as_beginnings=as_beginnings)}' for each in followed)
    more = [f"[{free}] {LETTER}*", *below]
    return _either([*more, '""'] if begun and "" not in node else more)
