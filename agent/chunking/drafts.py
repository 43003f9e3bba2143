"""What every language's chunker hands over, and how chunks are made from it.

A chunker only says which definitions there are (`Draft`) and from which byte on which of them owns the file (`cuts`).
That pieces tile the file, ids are unique and spans agree with the bytes is then seen to once, here.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b

from msgspec import Struct

from agent.chunking.spans import LIMIT, Levels, LineCounter, Span, is_blank, pack, split, tile, trim
from agent.schema import Chunk, ChunkKind, SourceFile

# More than any small encoder reads (256 tokens are about 1,000 characters); larger ones get the docstring's rest.
EMBED_LIMIT = 2_000


class Draft(Struct, gc=False):
    """A chunk in the making. It may be mutated until it is assembled.

    Attributes:
        head: the beginning of the embedded text; the source from `embed_from` on follows it.
        extent: the whole definition, which all its parts share; None means: of each part, from its first to its last
            own byte.
        boundaries: offers where an oversized body may be cut, coarse to fine (see `spans.split`).
    """

    kind: ChunkKind
    title: str
    symbol: str | None = None
    qualified: str | None = None
    public: str | None = None
    signature: str | None = None
    doc: str | None = None
    head: str = ""
    embed_from: int = 0
    extent: Span | None = None
    boundaries: Callable[[], Levels] | None = None
    broken: bool = False


def assemble(file: SourceFile, data: bytes, drafts: list[Draft], cuts: list[Span]) -> tuple[Chunk, ...]:
    """Make the chunks of one file, in the order of the drafts.

    Args:
        file: where the bytes come from.
        data: the file's bytes.
        drafts: its definitions; those that own nothing but blank space are left out.
        cuts: (offset, index of draft) by ascending offset, the first at 0.
    """
    if is_blank(data):
        return ()
    lines = LineCounter(data)
    seen: dict[tuple[str, str], int] = {}
    chunks: list[Chunk] = []
    for draft, own in zip(drafts, tile(data, cuts, len(drafts)), strict=True):
        if not own:
            continue
        key = (draft.kind, draft.symbol or draft.title)
        occurrence = seen[key] = seen.get(key, -1) + 1
        identity = f"{file.path}\0{draft.kind}\0{key[1]}\0{occurrence}"
        groups = _parts(data, own, draft)
        for part, pieces in enumerate(groups):
            # What has a name is cited as a whole, whichever part was found; what has none has no extent either.
            start, end = draft.extent or trim(data, pieces[0][0], pieces[-1][1])
            chunks.append(
                Chunk(
                    blake2b(f"{identity}\0{part}".encode(errors="replace"), digest_size=10).hexdigest(),
                    file.path,
                    file.language,
                    file.role,
                    draft.kind,
                    draft.symbol,
                    draft.qualified,
                    draft.public,
                    draft.title,
                    draft.signature,
                    draft.doc,
                    _decode(data, pieces),
                    _embed_text(data, pieces, draft, part),
                    start,
                    end,
                    lines.line(start),
                    lines.line(end - 1),
                    tuple(pieces),
                    part,
                    len(groups),
                    draft.broken,
                )
            )
    return tuple(chunks)


def _parts(data: bytes, pieces: list[Span], draft: Draft) -> list[list[Span]]:
    """Return the pieces, in several groups if they are too large together."""
    if sum(end - start for start, end in pieces) <= LIMIT:
        return [pieces]
    levels = draft.boundaries() if draft.boundaries is not None else ()
    return pack(cut for piece in pieces for cut in split(data, piece, levels))


def _decode(data: bytes, pieces: list[Span]) -> str:
    if len(pieces) == 1:
        start, end = pieces[0]
        return data[start:end].decode(errors="replace")
    return b"".join([data[start:end] for start, end in pieces]).decode(errors="replace")


def _embed_text(data: bytes, pieces: list[Span], draft: Draft, part: int) -> str:
    """Return the scope first, then as much of the source as there is room for."""
    head = _scope(draft) if part else draft.head
    room = EMBED_LIMIT - len(head)
    if room <= 0:
        return head[:EMBED_LIMIT].strip()
    tail: list[bytes] = []
    for start, end in pieces:
        first = max(start, draft.embed_from)
        if first < end and room > 0:
            tail.append(data[first : min(end, first + room)])
            room -= len(tail[-1])
    source = b"".join(tail).decode(errors="ignore").replace("\0", "")
    return f"{head}\n{source.strip()}"[:EMBED_LIMIT].strip() or draft.title


def _scope(draft: Draft) -> str:
    """Return what tells a further part of an oversized body where it belongs."""
    path = draft.public or draft.qualified
    title = f"{draft.title} ({path})" if path and path != draft.title else draft.title
    return f"{title}, continued\n{draft.signature or ''}"
