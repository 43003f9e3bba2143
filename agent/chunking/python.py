"""Python and Cython: a chunk for the module, for each class, and for each function and method.

Functions inside functions stay inside; definitions under `if`, `try`, `with` and the like are found. Only blocks are
walked, never expressions: parsing shall be nearly all the time that this takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from msgspec import Struct
from tree_sitter import Node

from agent.chunking.docstrings import docstring, docstring_node, signature
from agent.chunking.drafts import Draft, assemble
from agent.chunking.grammars import grammar, parse
from agent.chunking.spans import Span, line_start
from agent.chunking.statements import boundaries
from agent.chunking.tokens import words
from agent.cython_syntax import as_python
from agent.schema import Chunk, ChunkKind, SourceFile

_CONTAINERS = frozenset(
    {
        "if_statement",
        "elif_clause",
        "else_clause",
        "try_statement",
        "except_clause",
        "except_group_clause",
        "finally_clause",
        "with_statement",
        "for_statement",
        "while_statement",
        "block",
        "ERROR",
    }
)
_LONG_VALUE = 2  # rows from the first to the last
# Nobody writes deeper nesting; what lies deeper stays with the definition around it.
_MAX_DEPTH = 50


def chunk_python(file: SourceFile, data: bytes, public_paths: Mapping[str, str]) -> tuple[Chunk, ...]:
    """Cut a module into chunks; see `agent.chunking.chunk_file`."""
    root = parse("python", as_python(data) if file.path.endswith(".pyx") else data)
    walk = _Walk(data, public_paths)
    walk.module(root, file, definitions=not file.path.endswith(".pyi"))
    return assemble(file, data, walk.drafts, walk.cuts)


class _Scope(Struct, gc=False):
    """The module or class that a definition stands in: `prefix` comes before its names, `index` is its draft's."""

    index: int
    prefix: str
    qualified: str | None
    public: str | None


class _Walk:
    """Collects the drafts and cuts of one file, in source order."""

    def __init__(self, data: bytes, public_paths: Mapping[str, str]) -> None:
        self.data = data
        self.public_paths = public_paths
        self.drafts: list[Draft] = []
        self.cuts: list[Span] = []
        language = grammar("python")  # ids of fields spare a look-up by name for each node
        self.body = language.field_id_for_name("body") or 0
        self.name = language.field_id_for_name("name") or 0
        self.definition = language.field_id_for_name("definition") or 0

    def module(self, root: Node, file: SourceFile, *, definitions: bool) -> None:
        """Visit a whole file; without `definitions` it stays one chunk."""
        children = root.children
        doc_node = docstring_node(root)
        doc = docstring(self.data, doc_node, 0) if doc_node is not None else None
        name = file.module or file.path
        public = self.public_paths.get(file.module) if file.module else None
        draft = Draft("module", name, qualified=file.module, public=public, doc=doc)
        draft.embed_from = doc_node.end_byte if doc_node is not None else 0
        draft.boundaries = partial(boundaries, self.data, root)
        self.drafts.append(draft)
        self.cuts.append((0, 0))
        if definitions:
            self.block(children, _Scope(0, "", file.module, public), 0)
        else:
            draft.broken = root.has_error
        draft.head = f"module {name}: {words(name)}\n{doc or ''}"

    def block(self, children: list[Node], scope: _Scope, depth: int) -> None:
        """Visit the statements of a module, of a class body, or of a block inside of these."""
        decorated: Draft | None = None
        for child in children:
            kind = child.type
            if kind == "comment":
                continue
            node = child.child_by_field_id(self.definition) if kind == "decorated_definition" else child
            if node is not None and node.type == "function_definition":
                draft = self.function(child, node, scope, decorated)
                decorated = draft if node is not child else None
                continue
            decorated = None
            if node is not None and node.type == "class_definition" and depth < _MAX_DEPTH:
                self.class_(child, node, scope, depth)
            elif kind in _CONTAINERS and depth < _MAX_DEPTH:
                self.drafts[scope.index].broken |= kind == "ERROR"
                self.block(child.children, scope, depth + 1)
            elif kind == "expression_statement" and not scope.prefix and self.constant(child, scope):
                continue
            elif child.has_error:
                self.drafts[scope.index].broken = True

    def function(self, outer: Node, node: Node, scope: _Scope, decorated: Draft | None) -> Draft:
        """Add a function, or join it to the decorated one before it that has the same name.

        Those are accessors of one property, or overloads of one function: one symbol, one place.
        """
        body = node.child_by_field_id(self.body)
        draft = self.definition_draft("method" if scope.prefix else "function", outer, node, body, scope)
        start, end = draft.extent or (0, 0)
        if decorated is not None and decorated.symbol == draft.symbol:
            self.cuts.pop()
            self.join(decorated, draft, implementation=outer is node)
            draft = decorated
        else:
            draft.head = _head(draft)
            self.cuts.append((start, len(self.drafts)))
            self.drafts.append(draft)
        self.cuts.append((end, scope.index))
        return draft

    def class_(self, outer: Node, node: Node, scope: _Scope, depth: int) -> None:
        """Add a class and what is inside: the class owns what its methods do not."""
        body = node.child_by_field_id(self.body)
        draft = self.definition_draft("class", outer, node, body, scope)
        start, end = draft.extent or (0, 0)
        index = len(self.drafts)
        self.cuts.append((start, index))
        self.drafts.append(draft)
        if body is not None:
            draft.broken = any(child.has_error for child in node.children if child.type != "block")
            self.block(body.children, _Scope(index, f"{draft.symbol}.", draft.qualified, draft.public), depth + 1)
        methods = [inner.signature or "" for inner in self.drafts[index + 1 :] if inner.kind == "method"]
        draft.head = _head(draft, [method.removeprefix("async ").removeprefix("def ") for method in methods])
        self.cuts.append((end, scope.index))

    def constant(self, node: Node, scope: _Scope) -> bool:
        """Add a module-level name that is public, or whose value takes several lines; say whether it is one.

        Such a name is asked for by itself; private short ones, and those with underscores around, stay with the module.
        """
        data = self.data
        assignment = node.children[0]
        if assignment.type != "assignment":
            return False
        target = assignment.children[0]
        name = data[target.start_byte : target.end_byte].decode(errors="replace")
        if target.type != "identifier" or name.startswith("__"):
            return False
        qualified = f"{scope.qualified}.{name}" if scope.qualified else None
        public = self.public_paths.get(qualified) if qualified else None
        if public is None and node.end_point.row - node.start_point.row < _LONG_VALUE:
            return False
        start, end = line_start(data, node.start_byte, node.start_point.column), self.end(node.end_byte)
        draft = Draft("module", name, name, qualified, public, embed_from=start, extent=(start, end))
        draft.head = _head(draft)
        draft.boundaries = partial(boundaries, data, node)
        draft.broken = node.has_error
        self.cuts += [(start, len(self.drafts)), (end, scope.index)]
        self.drafts.append(draft)
        return True

    def definition_draft(self, kind: ChunkKind, outer: Node, node: Node, body: Node | None, scope: _Scope) -> Draft:
        """Read what functions and classes have in common."""
        data = self.data
        name_node = node.child_by_field_id(self.name)
        name = data[name_node.start_byte : name_node.end_byte].decode(errors="replace") if name_node else "_"
        doc_node = docstring_node(body) if body is not None else None
        symbol = scope.prefix + name
        qualified = f"{scope.qualified}.{name}" if scope.qualified else None
        public = self.public_paths.get(qualified) if qualified else None
        if public is None and scope.prefix and scope.public:
            public = f"{scope.public}.{name}"
        draft = Draft(kind, symbol, symbol, qualified, public, signature(data, node, body))
        if doc_node is not None:
            draft.doc = docstring(data, doc_node, doc_node.start_point.column)
            draft.embed_from = doc_node.end_byte
        elif body is not None:
            draft.embed_from = body.start_byte
        draft.boundaries = partial(boundaries, data, body or node, draft.embed_from)
        draft.extent = (line_start(data, outer.start_byte, outer.start_point.column), self.end(outer.end_byte))
        draft.broken = outer.has_error
        return draft

    def end(self, offset: int) -> int:
        """Return the end of a definition, with the comment that follows it on its last line."""
        data = self.data
        if data[offset : offset + 1] in {b"\n", b""}:
            return offset
        newline = data.find(b"\n", offset)
        rest = data[offset : newline if newline >= 0 else len(data)]
        return offset + len(rest.rstrip()) if rest.lstrip().startswith(b"#") else offset

    @staticmethod
    def join(draft: Draft, more: Draft, *, implementation: bool) -> None:
        """Extend a draft by the next definition of its symbol; an implementation says more than its overloads."""
        if draft.extent and more.extent:
            draft.extent = (draft.extent[0], more.extent[1])
        if implementation:
            draft.signature, draft.doc = more.signature, more.doc or draft.doc
            draft.embed_from = more.embed_from
        draft.broken |= more.broken
        draft.head = _head(draft)


def _head(draft: Draft, methods: Iterable[str] = ()) -> str:
    """Return the beginning of the embedded text: names in plain words, summary, signature, docstring, methods."""
    path = draft.public or draft.qualified or draft.symbol or ""
    summary, _, details = (draft.doc or "").partition("\n\n")
    lines = (f"{words(draft.symbol or '')} ({path})", summary, draft.signature, details, *methods)
    return "\n".join(filter(None, lines))
