"""The values that cross module boundaries, all frozen, and the HTTP contract's wire types.

`msgspec` structs serve both: they are slotted and frozen, and Litestar validates and documents them as they
are. Lines are 1-based and inclusive, bytes are 0-based and half-open; both count in the original file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct, field

Role = Literal["package", "example", "docs"]
Language = Literal["python", "rst", "markdown", "wgsl", "glsl", "text"]
LANGUAGES: Mapping[str, Language] = {
    ".py": "python",
    ".pyi": "python",
    ".pyx": "python",
    ".rst": "rst",
    ".txt": "rst",
    ".md": "markdown",
    ".wgsl": "wgsl",
    ".glsl": "glsl",
    ".vert": "glsl",
    ".frag": "glsl",
}
"""Suffix -> language; any other text file is `text`."""
ChunkKind = Literal["module", "class", "function", "method", "example", "section", "shader"]
Status = Literal["answered", "declined", "sources_only"]
Verdict = Literal["up", "down"]
FindingKind = Literal["syntax", "undefined-name", "unused-import", "unknown-name", "bad-call", "deprecated"]

MAX_QUESTION = 4_000
MAX_CODE = 200_000
"""Longest code that is checked, in characters; the largest file of FURY has half of it."""
MAX_TOP_K = 20
MAX_REASON = 2_000


# --- sources -------------------------------------------------------------------------------------


class SourceFile(Struct, frozen=True):
    """One kept file of a source tree; its bytes are read when needed (`SourceTree.read`).

    Attributes:
        path: POSIX path relative to the repository root.
        module: dotted module name where the file is Python code of an importable package, else None.
        sha256: hex digest of the file's bytes.
    """

    path: str
    language: Language
    role: Role
    module: str | None
    size: int
    sha256: str


class SourceTree(Struct, frozen=True):
    """The sources of one library at one revision, on disk.

    Attributes:
        root: directory that `SourceFile.path` is relative to.
        revision: what the links name: a tag (`v2.0.0`), a commit, or the content digest of a folder.
        url_template: `str.format` template with `{path}`, `{start}` and `{end}`, or None where no public
            address is known.
        packages: directories of importable packages, relative to `root` (`fury`, `src/requests`), or
            the file of a single-module library (`six.py`).
        files: the kept ones, in the order of their paths; of many, the list is on disk.
        skipped: number of files left out, by reason.
        requirements: canonical names of all packages that it asks for, as its metadata say; none where these say none.
    """

    library: str
    version: str
    revision: str
    root: Path
    url_template: str | None
    packages: tuple[str, ...]
    files: Sequence[SourceFile]
    skipped: dict[str, int]
    requirements: tuple[str, ...] = ()

    def read(self, file: SourceFile) -> bytes:
        """Return the bytes of `file`."""
        return (self.root / file.path).read_bytes()

    def digest(self) -> str:
        """Return a SHA-256 over the paths and contents of all kept files, and the requirements."""
        digest = hashlib.sha256()
        for file in self.files:
            digest.update(f"{file.path}\0{file.sha256}\n".encode())
        digest.update("\0".join(self.requirements).encode())
        return digest.hexdigest()


# --- chunks --------------------------------------------------------------------------------------


class Chunk(Struct, frozen=True):
    """A piece of a source file that can be found, shown and cited.

    Attributes:
        id: ASCII, stable for the same place (path, kind, symbol, occurrence, part) in any revision.
        symbol: qualified name inside the file (`ShowManager.start`), or None.
        qualified: dotted definition path (`fury.window.ShowManager.start`), or None outside packages.
        public: shortest public import path (`fury.actor.sphere`), or None where there is none.
        title: what a reader would call it: a signature's name, or a heading path joined by ` > `.
        signature: the full signature of a class, function or method on one line, else None.
        doc: the cleaned docstring, else None.
        text: what is shown: the exact source of the chunk's own pieces.
        embed_text: what is embedded and searched; scope first, since small encoders read 256 tokens.
        start_byte, end_byte: extent of the whole definition, which a class shares with its methods and
            every part with the others; of what has no name (sections, blocks), the part's own.
        pieces: byte ranges that belong to this chunk alone; over a file they tile it without gap or overlap.
        part, parts: position among the parts of an oversized body (0-based), and how many there are.
        broken: the parser found a syntax error inside.
    """

    id: str
    path: str
    language: Language
    role: Role
    kind: ChunkKind
    symbol: str | None
    qualified: str | None
    public: str | None
    title: str
    signature: str | None
    doc: str | None
    text: str
    embed_text: str
    start_byte: int
    end_byte: int
    start_line: int
    end_line: int
    pieces: tuple[tuple[int, int], ...]
    part: int = 0
    parts: int = 1
    broken: bool = False


class IndexInfo(Struct, frozen=True, kw_only=True):
    """What one generation of an index holds and how it was made; opening compares it with the settings.

    Attributes:
        format: version of the layout on disk.
        spec: what `fury-agent index` was given, so that the same can be built again.
        chunker: version of the chunker.
        embedding: name of the embedding model.
        embedding_revision: revision or digest of its weights.
        source_digest: `SourceTree.digest` of what was indexed.
        created: ISO 8601 time, UTC.
    """

    format: int
    spec: str
    library: str
    version: str
    revision: str
    url_template: str | None
    packages: tuple[str, ...]
    chunker: str
    embedding: str
    embedding_revision: str
    dimension: int
    files: int
    chunks: int
    skipped: dict[str, int]
    source_digest: str
    generation: str
    created: str


# --- questions and answers: the HTTP contract ------------------------------------------------------

Question = Annotated[str, Meta(min_length=1, max_length=MAX_QUESTION, description="The question, in plain words.")]
Code = Annotated[str, Meta(min_length=1, max_length=MAX_CODE, description="Python, as in a file or a doctest.")]
Reason = Annotated[
    str, Meta(min_length=1, max_length=MAX_REASON, description="What was good or wrong, in plain words.")
]
TopK = Annotated[int, Meta(ge=1, le=MAX_TOP_K, description="How many passages to use.")]


class QueryRequest(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Body of `POST /query`."""

    question: Question
    library: str | None = None
    version: str | None = None
    conversation_id: UUID | None = None
    top_k: TopK | None = None


class SearchRequest(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Body of `POST /search`."""

    question: Question
    library: str | None = None
    version: str | None = None
    top_k: TopK | None = None


class CheckRequest(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Body of `POST /check`."""

    code: Code
    library: str | None = None
    version: str | None = None


class FeedbackRequest(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Body of `POST /feedback`."""

    answer_id: UUID
    verdict: Verdict
    reason: Reason | None = None


class Forgotten(Struct, frozen=True):
    """Reply of `DELETE /records`: how many answers and opinions went."""

    count: int


class Passage(Struct, frozen=True, omit_defaults=True):
    """One place found for a question.

    Attributes:
        score: fused retrieval score; only its order means anything.
        text: the source itself; of a class without its methods, of a long definition the part that was found.
        stale: names in it that this version of the library does not have: the page outlived the code.
    """

    path: str
    symbol: str | None
    start_line: int
    end_line: int
    url: str | None
    score: float
    text: str
    stale: tuple[str, ...] = ()


class SearchReply(Struct, frozen=True):
    """Reply of `POST /search`."""

    passages: tuple[Passage, ...]
    library: str
    version: str


class Citation(Struct, frozen=True, omit_defaults=True):
    """A numbered place that the answer stands on; `[number]` in the answer's text refers to it.

    Attributes:
        stale: names in it that this version of the library does not have: the page outlived the code.
        excerpt: its first lines, to be shown beside the link; records do not keep it.
    """

    number: int
    path: str
    symbol: str | None
    start_line: int
    end_line: int
    url: str | None
    title: str
    stale: tuple[str, ...] = ()
    excerpt: str = ""

    @property
    def place(self) -> str:
        """`path:first-last`."""
        return f"{self.path}:{self.start_line}-{self.end_line}"


class Ran(Struct, frozen=True):
    """What happened when the answer's code was run in the sandbox."""

    ok: bool
    seconds: float
    image_url: str | None = None
    error: str | None = None


class Finding(Struct, frozen=True):
    """One thing that is wrong, or soon will be, at one place.

    Attributes:
        kind: `unknown-name` (the library has no such name) and `bad-call` (the arguments do not fit the signature) are
            certain: what the sources cannot tell is never a finding.
        line, column: 1-based, inside the text that was checked; the column counts characters.
        subject: the name as written (`fa.spher`); empty for a syntax error.
        message: the finding in plain words, one sentence.
        path: the dotted path that the subject stands for (`fury.actor.spher`), where it leads into the library.
        suggestions: what exists instead, best first: real names, or for a call the true signature.
    """

    kind: FindingKind
    line: int
    column: int
    subject: str
    message: str
    path: str | None = None
    suggestions: tuple[str, ...] = ()


class Verification(Struct, frozen=True):
    """What was checked in an answer, or in code, against the library's API.

    Attributes:
        checked_names: how many distinct names of the library were looked up with a verdict.
        unknown_names: dotted paths that do not exist in that version, ascending.
        bad_calls: calls whose arguments cannot fit, each in one sentence.
        repaired: what was put right before the answer was given, in words (``added `from fury import actor```).
        ran: what happened when the code was run; None where it was not.
        checked_calls: how many calls were held against a signature.
        findings: all that is wrong, by place: 1-based lines and columns of the answer, or of the code that was sent.
            Unused imports, which do no harm, are among those of code that was sent, and left out of an answer's.
        unchecked_names: dotted paths of which the sources cannot tell: they are made when the library runs, or another
            one brings them. They are never held against anybody.
        unchecked_calls: how many further calls pass what cannot be seen (`*rows`, `**options`); the rest of them fits.
        unchecked: what could not be checked and why, in plain words; None where everything was.
    """

    checked_names: int = 0
    unknown_names: tuple[str, ...] = ()
    bad_calls: tuple[str, ...] = ()
    repaired: tuple[str, ...] = ()
    ran: Ran | None = None
    checked_calls: int = 0
    findings: tuple[Finding, ...] = ()
    unchecked_names: tuple[str, ...] = ()
    unchecked_calls: int = 0
    unchecked: str | None = None

    @property
    def undecided(self) -> str:
        """How much was looked up without a verdict, as every door says it (`2 not decided`); else empty."""
        count = len(self.unchecked_names) + self.unchecked_calls
        return f"{count} not decided" if count else ""


class Timings(Struct, frozen=True):
    """Milliseconds; `first_token_ms` is None where no LLM spoke."""

    retrieval_ms: float
    first_token_ms: float | None
    total_ms: float


class Answer(Struct, frozen=True):
    """Reply of `POST /query`."""

    answer_id: UUID
    conversation_id: UUID
    status: Status
    answer: str
    citations: tuple[Citation, ...]
    verification: Verification
    library: str
    version: str
    revision: str
    model: str | None
    timings: Timings


class Library(Struct, frozen=True):
    """One indexed version, as `GET /libraries` lists it."""

    library: str
    version: str
    revision: str
    created: str
    files: int
    chunks: int
    embedding: str


class Health(Struct, frozen=True):
    """Reply of `/health/*`: `problems` says what is missing, in words and with the remedy."""

    status: Literal["ok", "degraded", "unavailable"]
    problems: tuple[str, ...] = ()


# --- events of a streamed answer -----------------------------------------------------------------


class SourcesEvent(Struct, frozen=True, tag="sources"):
    """The numbered places that the answer will be written from; sent before the first token."""

    citations: tuple[Citation, ...]
    library: str
    version: str


class TokenEvent(Struct, frozen=True, tag="token"):
    """Some text of the draft; the final `AnswerEvent` replaces the draft as a whole."""

    text: str


class AnswerEvent(Struct, frozen=True, tag="answer"):
    """The final, checked answer; always the last event."""

    answer: Answer


Event = SourcesEvent | TokenEvent | AnswerEvent


class Plan(Struct, frozen=True):
    """How a question will be answered.

    Attributes:
        asked: the request as it came.
        request: the same as it is answered: a follow-up is made whole.
        conversation_id: that of the request, or a new one.
        key: equal for requests that get the same answer, whoever asks; empty where the answer is not to be shared.
        known: the events of the answer, where it is known already: this client's own, recorded.
    """

    asked: QueryRequest
    request: QueryRequest
    conversation_id: UUID
    key: str = ""
    known: tuple[Event, ...] = ()


class Problem(Struct, frozen=True):
    """An RFC 9457 problem document.

    Attributes:
        type: stable URI reference of the kind of problem (`/problems/unknown-version`).
        extra: machine-readable details, such as the field at fault.
    """

    type: str
    title: str
    status: int
    detail: str
    extra: dict[str, str | float] = field(default_factory=dict[str, "str | float"])
