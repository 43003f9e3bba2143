"""The chunker in a LlamaIndex pipeline."""

from __future__ import annotations

import pytest
from llama_index.core import Document
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.schema import MetadataMode

from agent.chunking.node_parser import SourceNodeParser
from agent.chunking.nodes import from_node
from agent.errors import InvalidInput


def test_a_pipeline_gets_nodes_that_hold_chunks() -> None:
    document = Document(
        text='def f(a):\n    """Do."""\n\n\ndef g(): pass\n',
        id_="doc-1",
        metadata={"path": "pkg/mod.py", "module": "pkg.mod", "author": "somebody"},
    )
    parser = SourceNodeParser(public_paths={"pkg.mod.f": "pkg.f"})
    nodes = IngestionPipeline(transformations=[parser]).run(documents=[document])

    assert [from_node(node).symbol for node in nodes] == ["f", "g"]
    assert from_node(nodes[0]).public == "pkg.f"
    assert {node.ref_doc_id for node in nodes} == {"doc-1"}
    assert nodes[0].metadata["author"] == "somebody"
    assert nodes[0].get_content(MetadataMode.EMBED) == from_node(nodes[0]).embed_text
    assert nodes[0].get_content(MetadataMode.LLM) == from_node(nodes[0]).text


def test_a_document_without_a_path_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"path None.*relative POSIX path"):
        SourceNodeParser().get_nodes_from_documents([Document(text="x")])
