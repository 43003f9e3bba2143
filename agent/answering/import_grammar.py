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
OTHER = "[^a-zA-Z0-9_\\n]"
NO_BLANK = "[^a-zA-Z0-9_ \\t\\n]"
BLANKS = "[ \\t]+"
PATH = "[a-zA-Z0-9_.]"
GAP = '([ \\n\\r\\t] | "#" [^\\n]* [\\n])*'
"""What may stand between names in brackets."""
OWN = ("__all__", "__doc__", "__file__", "__version__")
"""Names that a module may have though nobody sees where."""
_Trie = dict[str, "_Trie"]


def import_grammar(api: ApiModel) -> str | None:
    """Return a grammar in llama.cpp's notation (GBNF), or None where it would be too large or there is nothing to hold.

    It accepts every text in which `import package` and `from package.module import`, first on their lines or in prose,
    go on as the library does. In prose, the latter may break off behind the package, if no word follows that begins
    with `import` or `from`, which would be no Python; first on its line it must go on. Whatever is below a module whose
    members are not all known is left free. No rule refers to itself, so it is a regular expression, too.
    """
    modules = list(_modules(api))
    roots = [module.path for module in modules if "." not in module.path and module.members_known]
    if not roots:
        return None
    rules = {
        "root": "line ([\\n] line)*",
        "line": f"[ \\t]* ((word {OTHER}+ | {NO_BLANK} {OTHER}* | first | import) piece* last? | lone)?",
        "piece": f"word {OTHER}+ | from | import",
        # At the end of a line nothing follows that would tell where a word ends.
        "last": '(word | lastfrom | lastimport) "."?',
        "lone": '(word | lastfirst | lastimport) "."?',
        "lastfrom": _ending("from", _each(roots, "end")),
        "lastfirst": _ending("from", _each(roots, "alone")),
        "lastimport": _ending("import", ["lastfrom", *_each(roots, "module")]),
        "word": _none_of(["from", "import"]),
        "foreign": _none_of(["from", "import", *roots]),
        "prose": f'[^a-zA-Z0-9_. \\t\\n] {OTHER}* | "." {OTHER}+ | {BLANKS} ({NO_BLANK} {OTHER}* | told {OTHER}+)',
        "told": _none_of(["from", "import"], as_beginnings=True),
        # Neither another name, nor another name for the last one.
        "behind": f'[^a-zA-Z0-9_,. \\t\\n] {OTHER}* | "." {OTHER}+ | {BLANKS} (sign {OTHER}* | other {OTHER}+)',
        "sign": "[^a-zA-Z0-9_,\\\\ \\t\\n]",
        "other": _none_of(["as"]),
        "ended": f"[ \\t]* | {BLANKS} other",
        "comment": f"[ \\t]* [;#] {OTHER}*",
        "from": _statement("from", _each(roots, "from")),
        "first": _statement("from", _each(roots, "first")),
        "import": _statement("import", ["from", *_each(roots, "import")]),
    }
    for number, root in enumerate(roots):
        own = {module.path.removeprefix(root): module for module in modules if _root(module) == root}
        opened = [path for path, module in own.items() if not module.members_known]
        free = [f'"{path}" ("." {PATH}+)? " import " ({NO_BLANK} {OTHER}*)?' for path in opened]
        closed = [(path, module) for path, module in own.items() if module.members_known]
        names = {f"name-{number}-{index}": _any_of(_names(module, api)) for index, (_, module) in enumerate(closed)}
        rules |= names
        rules[f"listed-{number}"] = _either(_source(path, name) for (path, _), name in zip(closed, names, strict=True))
        rules[f"first-{number}"] = _either([*free, f"listed-{number} comment"])
        rules[f"from-{number}"] = _either([f"{PATH}* prose", *free, f"listed-{number} behind"])
        rules[f"end-{number}"] = _either([f"{PATH}* ({BLANKS} told?)?", f"listed-{number} ended"])
        rules[f"alone-{number}"] = f"listed-{number} [ \\t\\r]*"
        rules[f"module-{number}"] = _either([_any_of(own), *(f'"{path}." {PATH}+' for path in opened)])
        rules[f"import-{number}"] = _either(
            [f'module-{number} ([^a-zA-Z0-9_.\\n] {OTHER}* | "." {OTHER}+)', f'"." {OTHER}+']
        )
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
    return f'"{keyword}" ({NO_BLANK} {OTHER}* | {BLANKS} {behind})'


def _ending(keyword: str, packages: Iterable[str]) -> str:
    """Return what the word accepts behind it up to the end of the line."""
    return f'"{keyword}" ({BLANKS} {_either(["foreign", *packages])}?)?'


def _each(roots: Iterable[str], rule: str) -> Iterator[str]:
    """Yield each package with what follows it by its rule of that name."""
    return (f'"{root}" {rule}-{number}' for number, root in enumerate(roots))


def _source(path: str, name: str) -> str:
    """Return ` import ` and names of a module by their rule, in a line or in brackets."""
    most = f"{{0,{MOST_NAMES - 1}}}"
    called = f'{name} (" as " {LETTER}+)?'
    line, lines = f'{called} ("," " "* {called}){most}', f'"(" {GAP} {called} ("," {GAP} {called}){most} ","? {GAP} ")"'
    listed = _either([line, lines, '"*"'])
    return f'"{path} import " {listed}'


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
