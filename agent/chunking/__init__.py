"""Source files to chunks, for every language that a library's sources come in."""

from __future__ import annotations

from collections.abc import Mapping

from agent.chunking.prose import chunk_prose
from agent.chunking.python import chunk_python
from agent.chunking.shader import chunk_shader
from agent.chunking.spans import has_endless_line
from agent.chunking.tutorial import chunk_tutorial
from agent.schema import Chunk, SourceFile

__all__ = ["CHUNKER_VERSION", "chunk_file"]

# An index made by another version has other chunks or ids: count it up when either changes.
CHUNKER_VERSION = "4"


def chunk_file(file: SourceFile, data: bytes, public_paths: Mapping[str, str]) -> tuple[Chunk, ...]:
    """Cut a file into chunks that can be found, shown and cited.

    The same input always gives the same chunks. Any bytes will do: broken source gives chunks that are flagged, and
    what no grammar can make sense of is cut between lines.

    Args:
        file: what the file is; its language, role and module decide how it is cut.
        data: its bytes.
        public_paths: definition path (`fury.actor.curved.sphere`) to shortest public path (`fury.actor.sphere`).

    Returns:
        The chunks in the order in which they begin. Their pieces tile the file, blank stretches going along with a
        neighbour; a blank file has none. A body too large for one chunk is cut into parts. `start_byte` to `end_byte`
        is the whole definition, from its first decorator on, in each of its parts; of what has no symbol (the rest of
        a module or shader, sections, blocks of examples), it is the part's own. `text` is always the part's own.
    """
    if file.language == "python":
        return chunk_tutorial(file, data) if file.role == "example" else chunk_python(file, data, public_paths)
    if file.language in {"wgsl", "glsl"} and not has_endless_line(data):
        return chunk_shader(file, data)
    return chunk_prose(file, data)
