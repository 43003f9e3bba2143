"""A cross-encoder orders the best places anew; one that fails changes nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.schema import NodeWithScore

from agent.chunking.nodes import to_node
from agent.errors import ConfigurationError, ModelTimeout, ModelUnavailable
from agent.providers.rerankers import LocalReranker, Reranker, ServedReranker, build_reranker
from agent.retrieval import HybridRetriever
from agent.service import Service
from agent.settings import Settings
from tests.support import make_chunk

TEXTS = ["draw a ball", "draw a cube", "start the window"]
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "draw", "a", "ball", "cube", "start", "the", "window"]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny cross-encoder of the usual architecture, with weights of its own making."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    path = tmp_path_factory.mktemp("cross-encoder")
    (path / "vocab.txt").write_text("\n".join(VOCABULARY))
    transformers.BertTokenizer(str(path / "vocab.txt")).save_pretrained(path)
    torch.manual_seed(7)
    config = transformers.BertConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        num_labels=1,
        initializer_range=1.0,
    )
    transformers.BertForSequenceClassification(config).save_pretrained(path)
    return path


def nodes() -> list[NodeWithScore]:
    return [NodeWithScore(node=to_node(make_chunk(id=text, embed_text=text)), score=1.0) for text in TEXTS]


@pytest.mark.weights
def test_a_local_model_reads_question_and_passage_together(directory: Path) -> None:
    reranker = LocalReranker(directory)
    scores = reranker.scores("draw a ball", TEXTS)
    assert len(set(scores)) == 3
    assert scores != reranker.scores("start the window", TEXTS)
    order = [node.node_id for node in reranker.postprocess_nodes(nodes(), query_str="draw a ball")]
    assert order == sorted(TEXTS, key=lambda text: -scores[TEXTS.index(text)])


@pytest.mark.weights
def test_what_is_no_cross_encoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        LocalReranker(tmp_path)


@contextmanager
def server(reply: bytes, status: int = 200, delay: threading.Event | None = None) -> Generator[tuple[str, list[Any]]]:
    """Answer every request alike, and keep what was asked."""
    asked: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            if delay is not None:
                delay.wait(5)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - same
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}", asked
        if delay is not None:
            delay.set()
        running.shutdown()
        thread.join()


def test_a_server_is_asked_as_text_embeddings_inference_wants_it() -> None:
    reply = b'[{"index": 2, "score": 0.9}, {"index": 0, "score": 0.5}, {"index": 1, "score": 0.1}]'
    with server(reply) as (url, asked):
        found = ServedReranker(url, 5.0).postprocess_nodes(nodes(), query_str="how?")
    assert [node.node_id for node in found] == ["start the window", "draw a ball", "draw a cube"]
    assert asked == [("/rerank", {"query": "how?", "texts": TEXTS, "truncate": True})]


@pytest.mark.parametrize(
    ("reply", "status"),
    [(b"", 503), (b"<html>", 200), (b'[{"index": 0, "score": 1}]', 200), (b'[{"index": -1, "score": 1}]', 200)],
    ids=["down", "garbage", "too few", "negative"],
)
def test_a_server_that_answers_badly_is_named(reply: bytes, status: int) -> None:
    with server(reply, status) as (url, _), pytest.raises(ModelUnavailable, match=url):
        ServedReranker(url, 5.0).scores("how?", TEXTS)


def test_a_slow_server_is_not_waited_for() -> None:
    with server(b"[]", delay=threading.Event()) as (url, _), pytest.raises(ModelTimeout, match="RERANKER_TIMEOUT"):
        ServedReranker(url, 0.1).scores("how?", TEXTS)


def test_a_setting_that_names_nothing_is_refused(settings: Settings) -> None:
    assert build_reranker(settings) is None
    with pytest.raises(ConfigurationError, match="neither a directory nor an address"):
        build_reranker(settings.model_copy(update={"reranker": "/no/such/model"}))


class Backwards(Reranker):
    def scores(self, question: str, texts: Sequence[str]) -> list[float]:  # noqa: ARG002 - same
        return [float(number) for number in range(len(texts))]


class Broken(Reranker):
    def scores(self, question: str, texts: Sequence[str]) -> list[float]:  # noqa: ARG002 - same
        raise ModelUnavailable("The reranker is down.")


@pytest.mark.weights
def test_retrieval_follows_it_and_does_without_it(fury_service: Service) -> None:
    retriever = fury_service.engine(None, None).retriever
    question = "How do I draw three spheres of different colours?"

    def first(reranker: Reranker | None) -> list[str]:
        parts = (retriever._store, retriever._manifest, retriever.api, retriever._embedding)
        found = HybridRetriever(*parts, top_k=20, reranker=reranker).find(question)
        return [hit.chunk.id for hit in found]

    assert first(Broken()) == first(None)
    assert first(Backwards())[0] != first(None)[0]


def test_a_server_that_failed_is_left_alone_for_a_while() -> None:
    with server(b"", 503) as (url, asked):
        reranker = ServedReranker(url, 5.0)
        for _ in range(3):
            with pytest.raises(ModelUnavailable):
                reranker.scores("how?", TEXTS)
    assert len(asked) == 1


def test_a_password_in_the_address_is_not_shown() -> None:
    with server(b"", 503) as (url, _):
        reranker = ServedReranker(url.replace("http://", "http://me:hunter2@"), 5.0)
        with pytest.raises(ModelUnavailable) as failed:
            reranker.scores("how?", TEXTS)
    assert "hunter2" not in f"{failed.value} {reranker!r} {reranker.to_dict()}"
