"""The chunker as a LlamaIndex node parser, for any pipeline that starts from documents."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from llama_index.core.node_parser import NodeParser
from llama_index.core.schema import BaseNode, MetadataMode, NodeRelationship
from pydantic import Field

from agent.chunking import chunk_file
from agent.chunking.nodes import to_node
from agent.errors import InvalidInput
from agent.schema import LANGUAGES, Role, SourceFile


class SourceNodeParser(NodeParser):
    """Cuts documents that are source files into nodes; see `agent.chunking.nodes` for what they hold.

    A document's metadata has `path`, and may have `role` ("package", "example" or "docs") and `module`, its dotted
    name. Nodes refer to their document, so that pipelines can replace and delete them; what else the metadata holds is
    passed on to them, but neither embedded nor shown to an LLM.

    Attributes:
        public_paths: see `agent.chunking.chunk_file`.
    """

    public_paths: dict[str, str] = Field(default_factory=dict)

    @classmethod
    def class_name(cls) -> str:
        """Return the name that LlamaIndex stores this under."""
        return "SourceNodeParser"

    def _parse_nodes(self, nodes: Sequence[BaseNode], show_progress: bool = False, **_: Any) -> list[BaseNode]:  # noqa: ARG002, FBT001, FBT002 - LlamaIndex's own signature
        return [child for node in nodes for child in self._parse(node)]

    def _parse(self, node: BaseNode) -> list[BaseNode]:
        data = node.get_content(metadata_mode=MetadataMode.NONE).encode(errors="replace")
        children: list[BaseNode] = []
        for chunk in chunk_file(_source_file(node, data), data, self.public_paths):
            child = to_node(chunk)
            child.relationships[NodeRelationship.SOURCE] = node.as_related_node_info()
            others = [key for key in node.metadata if key not in child.metadata]
            child.excluded_embed_metadata_keys += others
            child.excluded_llm_metadata_keys += others
            children.append(child)
        return children


def _source_file(node: BaseNode, data: bytes) -> SourceFile:
    path = node.metadata.get("path")
    if not isinstance(path, str) or not path:
        raise InvalidInput(
            f"Document {node.node_id!r} has the path {path!r} in its metadata; a relative POSIX path was expected.",
            remedy="Set metadata['path'], which tells the language and what citations name.",
            field="path",
        )
    role: Role = node.metadata.get("role", "package")
    language = LANGUAGES.get(PurePosixPath(path).suffix, "text")
    module = node.metadata.get("module")
    return SourceFile(path, language, role, module, len(data), hashlib.sha256(data).hexdigest())
