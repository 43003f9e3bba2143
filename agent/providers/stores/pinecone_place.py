"""Where in Pinecone a generation is: noted in its directory. Importing this is free."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from agent.durable_files import storage_errors, write_atomically
from agent.errors import IndexCorrupt, IndexMissing

MARKER = "pinecone.json"


class Place(Struct, frozen=True):
    """Where in Pinecone a generation is."""

    index: str
    namespace: str
    dimension: int

    @property
    def pieces(self) -> str:
        """Namespace of the contents that are too long for one record, apart so that no search meets them."""
        return f"{self.namespace}~pieces"


def note_place(directory: Path, place: Place) -> None:
    """Note the place in a generation's directory, which is made if needed.

    Raises:
        StorageError: it cannot be written.
    """
    with storage_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
        write_atomically(directory / MARKER, msgspec.json.encode(place))


def place_of(directory: Path) -> Place:
    """Return where the store of a generation is, as noted.

    Raises:
        IndexMissing: there is no store.
        IndexCorrupt: the note is damaged.
    """
    try:
        return msgspec.json.decode((directory / MARKER).read_bytes(), type=Place)
    except FileNotFoundError as error:
        raise IndexMissing(
            f"There is no Pinecone store in {str(directory)!r}.", remedy="Build it: `fury-agent index`."
        ) from error
    except (OSError, msgspec.DecodeError) as error:
        raise IndexCorrupt(
            f"{str(directory / MARKER)!r} cannot be read ({error}).",
            remedy="Rebuild the index: `fury-agent index --force`.",
        ) from error
