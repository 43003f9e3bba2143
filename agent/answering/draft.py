"""An answer while it is being written: the model's words in, the checked and cited answer out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from uuid import UUID, uuid4

from msgspec.structs import replace

from agent.answering.absent_names import AbsentName, describe
from agent.answering.correction import Rewrite, Run, correct
from agent.answering.mends import LookUp, Mends
from agent.arrangement import Hit
from agent.prompts import repeats_rules
from agent.ranking.stale_names import outdated
from agent.schema import Answer, AnswerEvent, Citation, IndexInfo, Status, Timings, Verification
from agent.sources.links import issues_page
from agent.symbols import ApiModel
from agent.verification import (
    CUT_OFF,
    Advise,
    check_answer,
    citation,
    cite,
    closed,
    note,
    open_fence,
    supported,
    unread,
    verdict,
    without_foreign_links,
    without_mentions,
)

NOTHING_TO_CHECK = Verification()
LEAKED = "The language model repeated its own rules instead of answering."


class Draft:
    """An answer while it is being written.

    Args:
        info: what the index holds.
        hits: the passages, in their numbered order.
        conversation: which one the answer belongs to.
        started: `time.perf_counter()` when the question came.
        absent: names in the question that the version lacks; the answer begins with them.
        api: the library's API model, or None where there is none to check against.
        advise: says more of what the check finds.
    """

    def __init__(
        self,
        info: IndexInfo,
        hits: Sequence[Hit],
        conversation: UUID,
        started: float,
        absent: Sequence[AbsentName] = (),
        api: ApiModel | None = None,
        advise: Advise | None = None,
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
        self.citations = [citation(number, hit, info.url_template) for number, hit in enumerate(hits, start=1)]
        numbers = {key: n for n, hit in enumerate(hits, 1) for key in (hit.chunk.id, hit.chunk.qualified) if key}
        self.note = describe(absent, info.library, info.version, numbers)
        self._where = f"{info.library} {info.version}"
        self._absent = frozenset(name.path for name in absent)
        self._api = api or ApiModel({}, {})
        self._advise = advise

    def add(self, text: str, finish_reason: str | None) -> None:
        """Take in what the model said."""
        if text and self.first_token is None:
            self.first_token = time.perf_counter()
        self.text += text
        self.cut = self.cut or finish_reason == "length"

    def answered(
        self,
        model: str,
        *,
        rewrite: Rewrite | None = None,
        run: Run | None = None,
        look_up: LookUp | None = None,
    ) -> AnswerEvent:
        """Close the text, correct it, attach the citations, and say what does not hold.

        Args:
            model: who wrote it.
            rewrite: asks the model again, see `correct`.
            run: runs a program.
            look_up: finds definitions, for what a program uses beyond the passages.
        """
        if repeats_rules(self.text):
            return self.declined(model, LEAKED)
        given = self.hits[: self.given]
        mends = Mends(self._api, (hit.chunk for hit in given), look_up)
        corrected = correct(
            closed(self.text, cut=self.cut),
            self._api,
            certain=(mends.whole_numbers, mends.single_rows),
            rewrite=rewrite,
            run=run,
            mend=mends.of_failure,
            do_without=mends.leaving_out,
            advise=self._advise,
        )
        if repeats_rules(corrected.text):
            return self.declined(model, LEAKED)
        half_program = open_fence(self.text) is not None
        told_cut = self.cut and not (half_program and corrected.rewritten)
        whole = f"{corrected.text}\n\n{CUT_OFF}" if told_cut else corrected.text
        harmless = without_mentions(without_foreign_links(whole))  # the second try is not trusted either
        text, cited = cite(supported(harmless, given), given)
        if not text:
            return self.sources_only("The language model said nothing.")
        noted = cite(self.note, self.hits)[1] if self.note else []
        citations = [self.citations[number - 1] for number in sorted({*cited, *noted})]
        report = check_answer(text, self._api)  # once more: without dropped numbers, places are others
        above = self.note.count("\n") + 2 if self.note else 0
        found = verdict(report, self._api, self._where, told=self._absent, lines_before=above, advise=self._advise)
        unchecked = " ".join(filter(None, (found.unchecked, unread(report), corrected.not_run))) or None
        marked = note(found, self._where)
        found = replace(found, repaired=corrected.done, ran=corrected.ran, unchecked=unchecked)
        return self._event("answered", f"{text}\n\n{marked}" if marked else text, citations, model, found)

    def declined(self, model: str | None, why: str = "") -> AnswerEvent:
        """Say why there is no answer, and name the nearest places and where to ask.

        Without a reason given, it is that the sources do not hold one.
        """
        text = why or f"The sources of {self._where} do not answer this."
        if self.citations:
            text += f" The nearest places in {self._where} are:\n\n{listing(self.citations)}"
        if (tracker := issues_page(self.info.url_template)) is not None:
            text += f"\n\nIts developers can be asked at {tracker}."
        return self._event("declined", text, self.citations, model)

    def sources_only(self, why: str) -> AnswerEvent:
        """Give the places alone."""
        text = f"{why} These places in the sources are the nearest to your question:\n\n{listing(self.citations)}"
        return self._event("sources_only", text, self.citations, None)

    def _event(
        self,
        status: Status,
        text: str,
        citations: Sequence[Citation],
        model: str | None,
        found: Verification = NOTHING_TO_CHECK,
    ) -> AnswerEvent:
        first = self.first_token
        answer = Answer(
            answer_id=uuid4(),
            conversation_id=self.conversation,
            status=status,
            answer=f"{self.note}\n\n{text}" if self.note else text,
            citations=tuple(citations),
            verification=found,
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
    return "\n".join(f"- [{entry.number}] `{entry.title}`: {entry.place}{outdated(entry.stale)}" for entry in citations)
