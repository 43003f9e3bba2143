"""Reads the Python files of a source tree into symbols and import aliases, with griffe's static visitor.

Each file is visited on its own, so that one broken file costs only itself. Griffe's loader is used for what needs
the whole package (star imports, `__all__`, dataclasses) but not for finding files: it would start `git`, follow
`.pth` files and read what the tree left out.

Griffe's objects take several times the memory of the symbols made from them, so one group of packages is read after
the other, and only its symbols are kept.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator

import griffe
from msgspec import Struct

from agent.cython_syntax import as_python
from agent.schema import SourceFile, SourceTree
from agent.symbols import Base, Kind, Parameter, Symbol
from agent.symbols.hidden_members import DYNAMIC, HiddenMembers
from agent.symbols.together import groups

_DEPRECATING = re.compile(r"deprecat|warn_on_args", re.IGNORECASE)
_DEPRECATED_DIRECTIVE = re.compile(r"^\s*\.\. deprecated::[ \t]*(.*)$", re.MULTILINE)
_KEEP_SIGNATURE = frozenset(
    {"abstractmethod", "asynccontextmanager", "cache", "cached_property", "classmethod", "contextmanager", "final"}
    | {"jit", "lru_cache", "njit", "no_type_check", "overload", "override", "property", "staticmethod"}
)
_KEEP_CLASS = frozenset({"dataclass", "final", "runtime_checkable", "total_ordering", "unique"})
_TRANSPARENT_METACLASSES = frozenset({"abc.ABCMeta", "type"})
MEMBERLESS_BASES = frozenset({"object", "abc.ABC", "typing.Generic", "typing.Protocol", "typing_extensions.Protocol"})


class Reading(Struct, frozen=True):
    """What was read of one group of packages.

    Attributes:
        symbols: definition path -> symbol, not yet knowing its public path or what it inherits.
        aliases: dotted path of an imported or re-bound name -> dotted path that it stands for, perhaps outside.
        exports: module -> the names in its `__all__`, for modules that have one.
        packages: modules that are packages (`__init__`).
        problems: what could not be read, and why.
    """

    symbols: dict[str, Symbol]
    aliases: dict[str, str]
    exports: dict[str, frozenset[str]]
    packages: set[str]
    problems: list[str]


def read_symbols(
    tree: SourceTree, *, progress: Callable[[int, int], None] = lambda _done, _total: None
) -> Iterator[Reading]:
    """Read every file of `tree` that belongs to an importable module, group by group; nothing is imported or executed.

    Args:
        tree: the sources.
        progress: told how many files are read, and of how many.
    """
    together = groups(tree)
    total = sum(map(len, together))
    done = 0
    for group in together:
        reading = Reading({}, {}, {}, set(), [])
        reader = _Reader(tree, reading)
        # Other people's invalid escapes are no news of ours; griffe logs each oddity it meets.
        with warnings.catch_warnings(), griffe.logger.disable():
            warnings.simplefilter("ignore")
            for file in sorted((tree.files[number] for number in group), key=_visiting_order):
                reader.visit(file, file.module or "")
                done += 1
                progress(done, total)
            reader.finish()
        yield reading


def _visiting_order(file: SourceFile) -> tuple[int, str, bool]:
    """Parents before children, code before its stub."""
    module = file.module or ""
    return module.count("."), module, file.path.endswith(".pyi")


class _Reader:
    """Collects griffe modules, then flattens them into a reading."""

    def __init__(self, tree: SourceTree, reading: Reading) -> None:
        self._tree = tree
        self._extensions = griffe.load_extensions(HiddenMembers())
        self._modules = griffe.ModulesCollection()
        self._attached: list[griffe.Module] = []
        self._files: dict[str, str] = {}
        self._stubs: dict[str, str] = {}
        self._symbols = reading.symbols
        self._aliases = reading.aliases
        self._exports = reading.exports
        self._packages = reading.packages
        self._problems = reading.problems

    def visit(self, file: SourceFile, name: str) -> None:
        """Visit one file and attach its module to the parent's."""
        try:
            parent = self._namespace(name.rpartition(".")[0])
            module = griffe.visit(
                name.rpartition(".")[2],
                filepath=self._tree.root / file.path,
                code=_code(file.path, self._tree.read(file)),
                parent=parent,
                extensions=self._extensions,
                modules_collection=self._modules,
            )
            if name in self._files and file.path.endswith(".pyi"):
                griffe.merge_stubs(self._modules[name], module)
                self._modules[name].labels.discard(DYNAMIC)  # a stub says what `__getattr__` gives
                self._stubs[name] = file.path
                return
            if file.path.endswith(".pyx"):
                if name in self._files:
                    return  # the same in Python is beside it
                _open(module)
            self._attach(parent, module, file.path)
        except Exception as error:  # noqa: BLE001 - code of any author: whatever the parser trips over is recorded
            self._problems.append(f"{file.path}: {type(error).__name__}: {error}")

    def _namespace(self, name: str) -> griffe.Module | None:
        """Return the module `name`, made up where it has no file of its own (or none that can be read)."""
        if not name:
            return None
        if name not in self._files:
            parent = self._namespace(name.rpartition(".")[0])
            module = griffe.Module(
                name.rpartition(".")[2], filepath=[], parent=parent, modules_collection=self._modules
            )
            module.labels.add(DYNAMIC)
            self._attach(parent, module, "")
        return self._modules[name]

    def _attach(self, parent: griffe.Module | None, module: griffe.Module, path: str) -> None:
        if parent is None:
            self._modules.set_member(module.name, module)
        else:
            # `from pkg.slicer import slicer` in pkg/__init__.py: the attribute is the function, the module stays
            # importable. Griffe holds one member per name, so the alias is kept here.
            shadowed = parent.members.get(module.name)
            if isinstance(shadowed, griffe.Alias):
                self._aliases[module.path] = shadowed.target_path
            parent.set_member(module.name, module)
        self._files[module.path] = path
        self._attached.append(module)

    def finish(self) -> None:
        """Do what needs the whole package, then flatten it."""
        loader = griffe.GriffeLoader(
            extensions=self._extensions, modules_collection=self._modules, allow_inspection=False
        )
        for module in list(self._modules.members.values()):
            try:
                loader.expand_exports(module)
                loader.expand_wildcards(module, external=False)
                self._extensions.call("on_package", pkg=module, loader=loader)
            except Exception as error:  # noqa: BLE001 - as above; the modules are still worth having one by one
                self._problems.append(f"{module.path}: {type(error).__name__}: {error}")
            self._flatten(module, self._files[module.path])
        for module in self._attached:
            module.members.clear()  # griffe caches dataclasses for ever, and they hold their modules

    def _flatten(self, obj: griffe.Object, file: str) -> None:
        """Add `obj` and all that it holds."""
        if isinstance(obj, griffe.Module):
            file = self._files[obj.path]
            if obj.exports is not None:
                self._exports[obj.path] = frozenset(str(name) for name in obj.exports)
            if obj.is_init_module or not file:
                self._packages.add(obj.path)
        elif not obj.runtime:
            file = self._stubs.get(obj.module.path, file)
        try:
            self._symbols[obj.path] = _symbol(obj, file)
        except Exception as error:  # noqa: BLE001 - as above
            self._problems.append(f"{obj.path}: {type(error).__name__}: {error}")
            return
        if isinstance(obj, griffe.Module | griffe.Class):
            self._flatten_members(obj, file)
        elif isinstance(obj, griffe.Attribute) and (target := _rebinding(obj)):
            self._aliases[obj.path] = target

    def _flatten_members(self, owner: griffe.Module | griffe.Class, file: str) -> None:
        for name, member in owner.members.items():
            if not isinstance(member, griffe.Alias):
                self._flatten(member, file)
            elif not member.wildcard:
                self._aliases[f"{owner.path}.{name}"] = member.target_path
        for name, overloads in owner.overloads.items():  # in stubs, without an implementation
            if overloads and name not in owner.members:
                self._symbols[f"{owner.path}.{name}"] = _symbol(overloads[0], file, signature_known=False)


def _open(module: griffe.Module) -> None:
    """Say of a Cython module and its classes that they may have members which are not seen: those declared in C."""
    module.labels.add(DYNAMIC)
    for held in module.classes.values():
        held.labels.add(DYNAMIC)


def _code(path: str, data: bytes) -> str:
    return ast_source(as_python(data) if path.endswith(".pyx") else data)


def ast_source(data: bytes) -> str:
    """Decode Python source as the interpreter would, except that undecodable bytes cost only themselves."""
    match = re.match(rb"(?:[^\n]*\n)?[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", data)
    try:
        return data.decode(match[1].decode() if match else "utf-8-sig")
    except (UnicodeDecodeError, LookupError):
        return data.decode("utf-8-sig", errors="replace")


def _symbol(obj: griffe.Object, file: str, *, signature_known: bool = True) -> Symbol:
    decorators = tuple(obj.decorators) if isinstance(obj, griffe.Function | griffe.Class) else ()
    doc = obj.docstring.value if obj.docstring else ""
    names = [decorator.callable_path.rpartition(".")[2] for decorator in decorators]
    return Symbol(
        path=obj.path,
        kind=_kind(obj),
        file=file,
        start_line=obj.lineno or 1,
        end_line=obj.endlineno or obj.lineno or 1,
        parameters=tuple(_parameters(obj)) if isinstance(obj, griffe.Function) else (),
        returns=_text(obj.returns) if isinstance(obj, griffe.Function) else None,
        bases=tuple(Base(_dotted(base)) for base in obj.bases) if isinstance(obj, griffe.Class) else (),
        decorators=tuple(decorator.callable_path for decorator in decorators),
        doc=next((line.strip() for line in doc.splitlines() if line.strip()), ""),
        deprecated=_deprecation(decorators, doc),
        static="staticmethod" in obj.labels,
        signature_known=signature_known and _signature_known(obj, names) and not _lacks_fields(obj),
        members_known=_members_known(obj, names),
    )


def _kind(obj: griffe.Object) -> Kind:
    if isinstance(obj, griffe.Module):
        return "module"
    if isinstance(obj, griffe.Class):
        return "class"
    if isinstance(obj, griffe.Function):
        return "method" if isinstance(obj.parent, griffe.Class) else "function"
    return "property" if "property" in obj.labels else "attribute"


def _parameters(function: griffe.Function) -> Iterator[Parameter]:
    for parameter in function.parameters:
        kind = parameter.kind or griffe.ParameterKind.positional_or_keyword
        variadic = kind in (griffe.ParameterKind.var_positional, griffe.ParameterKind.var_keyword)
        yield Parameter(
            name=parameter.name.lstrip("*"),
            kind=kind.name,
            default=None if variadic else _text(parameter.default),
            annotation=_text(parameter.annotation),
        )


def _text(expression: str | griffe.Expr | None) -> str | None:
    return None if expression is None else str(expression)


def _dotted(expression: str | griffe.Expr) -> str:
    """Return the dotted path that a base class expression names; `Generic[T]` is `typing.Generic`."""
    if isinstance(expression, griffe.ExprSubscript):
        expression = expression.left
    return expression if isinstance(expression, str) else expression.canonical_path


def _deprecation(decorators: tuple[griffe.Decorator, ...], doc: str) -> str | None:
    for decorator in decorators:
        if _DEPRECATING.search(decorator.callable_path.rpartition(".")[2]):
            return str(decorator.value)
    directive = _DEPRECATED_DIRECTIVE.search(doc)
    return directive[1].strip() or "deprecated" if directive else None


def _signature_known(obj: griffe.Object, decorators: list[str]) -> bool:
    """Whether calling `obj` binds to the parameters as written."""
    if isinstance(obj, griffe.Class):
        metaclass = obj.keywords.get("metaclass")
        if metaclass is not None and _dotted(metaclass) not in _TRANSPARENT_METACLASSES:
            return False
    harmless = _KEEP_CLASS if isinstance(obj, griffe.Class) else _KEEP_SIGNATURE
    return all(name in harmless or _DEPRECATING.search(name) for name in decorators)


def _lacks_fields(obj: griffe.Object) -> bool:
    """Whether `obj` is a dataclass's made-up constructor, but not all bases could be asked for their fields."""
    if obj.name != "__init__" or obj.lineno or not isinstance(obj.parent, griffe.Class):
        return False
    bases = [base for base in obj.parent.bases if _dotted(base) not in MEMBERLESS_BASES]
    return len(obj.parent.resolved_bases) < len(bases)


def _members_known(obj: griffe.Object, decorators: list[str]) -> bool:
    """Whether `obj`'s own body hides no members; what bases bring is seen to later."""
    if isinstance(obj, griffe.Module):
        star_from_outside = any(isinstance(m, griffe.Alias) and m.wildcard for m in obj.members.values())
        return DYNAMIC not in obj.labels and not star_from_outside
    if isinstance(obj, griffe.Class):
        dynamic = DYNAMIC in obj.labels or bool({"__getattr__", "__getattribute__"} & obj.members.keys())
        return not dynamic and _signature_known(obj, decorators)
    return False


def _rebinding(attribute: griffe.Attribute) -> str | None:
    """Return what `Name = other.name` in a module or class body stands for."""
    body_level = "module-attribute" in attribute.labels or "class-attribute" in attribute.labels
    if body_level and isinstance(attribute.value, griffe.ExprName | griffe.ExprAttribute):
        target = attribute.value.canonical_path
        return target if target != attribute.path else None
    return None
