"""Behaviours of `tests.servers.openai` that embed: as OpenAI's `/v1/embeddings`, and as TEI's `/embed`."""

from __future__ import annotations

import json

from tests.servers.openai import Behaviour, Reply
from tests.support import HashEmbedding


def embeds(*, model: str = "", longest: int = 10_000, batch: int = 1_000, waver: float = 0.0) -> Behaviour:
    """Embed as a good server does: out of order, and not to unit length.

    Args:
        model: another name is another model: its vectors have nothing to do with this one's.
        longest: characters of a text that are accepted.
        batch: texts that are accepted at once.
        waver: how far off each number is, in turns up and down.
    """
    embedding = HashEmbedding()

    def vector(text: str) -> list[float]:
        found = embedding._get_text_embedding(f"{model} " * 50 + text if model else text)
        return [3 * number + waver * (-1) ** place for place, number in enumerate(found)]

    def behaviour(reply: Reply) -> None:
        tei = "inputs" in reply.body
        texts: list[str] = reply.body["inputs" if tei else "input"]
        if len(texts) > batch or max(map(len, texts)) > longest:
            reply.problem(413 if tei else 400, "too long")
            return
        vectors = [vector(text) for text in texts]
        reply.headers(kind="application/json")
        items = [{"object": "embedding", "index": i, "embedding": v} for i, v in enumerate(vectors)]
        reply.raw(json.dumps(vectors if tei else {"object": "list", "data": items[::-1], "model": "served"}))

    return behaviour
