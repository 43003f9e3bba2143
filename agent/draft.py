"""An answer while it is being written: the model's words in, the checked and cited answer out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from uuid import UUID, uuid4

from agent.absent_names import AbsentName, describe
from agent.retrieval import Hit
from agent.schema import Answer, AnswerEvent, Citation, IndexInfo, Status, Timings, Verification
from agent.verification import citation, cite, closed, without_foreign_links


class Draft:
    """An answer while it is being written."""

    def __init__(
        self,
        info: IndexInfo,
        hits: Sequence[Hit],
        conversation: UUID,
        started: float,
        absent: Sequence[AbsentName] = (),
    ) -> None:
        self.info = info
        self.hits = hits
        self.conversation = conversation
        self.started = started
        self.retrieved = time.perf_counter()
        self.first_token: float | None = None
        self.text = ""
        self.cut = False
        self.given = len(hits)
        self.citations = [citation(number, hit.chunk, info.url_template) for number, hit in enumerate(hits, start=1)]
        numbers = {key: n for n, hit in enumerate(hits, 1) for key in (hit.chunk.id, hit.chunk.qualified) if key}
        self.note = describe(absent, info.library, info.version, numbers)

    def add(self, text: str, finish_reason: str | None) -> None:
        """Take in what the model said."""
        if text and self.first_token is None:
            self.first_token = time.perf_counter()
        self.text += text
        self.cut = self.cut or finish_reason == "length"

    def answered(self, model: str) -> AnswerEvent:
        """Close the text and attach the citations."""
        text, cited = cite(without_foreign_links(closed(self.text, cut=self.cut)), self.hits[: self.given])
        if not text:
            return self.sources_only("The language model said nothing.")
        noted = cite(self.note, self.hits)[1] if self.note else []
        cited = sorted({*cited, *noted})
        return self._event("answered", text, [self.citations[number - 1] for number in cited], model)

    def declined(self, model: str | None, why: str = "") -> AnswerEvent:
        """Say why there is no answer (because the sources do not hold it, if not told), and name the nearest places."""
        where = f"{self.info.library} {self.info.version}"
        text = why or f"The sources of {where} do not answer this."
        if self.citations:
            text += f" The nearest places in {where} are:\n\n{listing(self.citations)}"
        return self._event("declined", text, self.citations, model)

    def sources_only(self, why: str) -> AnswerEvent:
        """Give the places alone."""
        text = f"{why} These places in the sources are the nearest to your question:\n\n{listing(self.citations)}"
        return self._event("sources_only", text, self.citations, None)

    def _event(self, status: Status, text: str, citations: Sequence[Citation], model: str | None) -> AnswerEvent:
        first = self.first_token
        answer = Answer(
            answer_id=uuid4(),
            conversation_id=self.conversation,
            status=status,
            answer=f"{self.note}\n\n{text}" if self.note else text,
            citations=tuple(citations),
            verification=Verification(),
            library=self.info.library,
            version=self.info.version,
            revision=self.info.revision,
            model=model,
            timings=Timings(
                retrieval_ms=(self.retrieved - self.started) * 1e3,
                first_token_ms=None if first is None else (first - self.started) * 1e3,
                total_ms=(time.perf_counter() - self.started) * 1e3,
            ),
        )
        return AnswerEvent(answer)


def listing(citations: Sequence[Citation]) -> str:
    """Return citations as a Markdown list that names each place."""
    return "\n".join(f"- [{entry.number}] `{entry.title}`: {entry.place}" for entry in citations)
