"""The examples of the API's documentation: a question, its answer, and what one may say of it."""

from __future__ import annotations

from uuid import UUID

import msgspec
from litestar.openapi.spec import Example

from agent.schema import (
    Answer,
    CheckRequest,
    Citation,
    FeedbackRequest,
    Finding,
    Passage,
    QueryRequest,
    SearchReply,
    SearchRequest,
    Timings,
    Verification,
)

_URL = "https://github.com/fury-gl/fury/blob/v2.0.0/fury/actor/curved.py#L46-L163"
_PLACE = Citation(1, "fury/actor/curved.py", "sphere", 46, 163, _URL, "fury.actor.sphere")
_CODE = "```python\nfrom fury import actor\n\nspheres = actor.sphere([[0, 0, 0]], colors=(1, 0, 0))\n```"
_ANSWER = Answer(
    answer_id=UUID("5b0c7e1e-6a4e-4f43-9a3a-1f6f0f9f1c11"),
    conversation_id=UUID("0d1f6f3a-52b5-4d0e-8d6c-9f1f1d9e7a22"),
    status="answered",
    answer=f"`actor.sphere` makes a sphere for each centre [1].\n\n{_CODE}",
    citations=(_PLACE,),
    verification=Verification(checked_names=1, checked_calls=1),
    library="fury",
    version="2.0.0",
    revision="v2.0.0",
    model="qwen2.5-coder-1.5b",
    timings=Timings(retrieval_ms=41.0, first_token_ms=900.0, total_ms=6200.0),
)
_PASSAGE = Passage(_PLACE.path, "sphere", 46, 163, _URL, 0.92, "def sphere(centers, *, colors=(1, 0, 0), ...): ...")
_WRONG = "`fury.actor.spher` does not exist; `fury.actor.sphere` does."
_FOUND = Finding("unknown-name", 2, 1, "actor.spher", _WRONG, "fury.actor.spher", ("fury.actor.sphere",))


def _example(summary: str, value: msgspec.Struct) -> list[Example]:
    return [Example(summary=summary, value=msgspec.to_builtins(value))]


QUESTION = _example("A question", QueryRequest("How do I draw a red sphere?", version="2.0.0"))
ANSWER = _example("A checked answer", _ANSWER)
SEARCH = _example("A question", SearchRequest("red sphere", top_k=3))
PASSAGES = _example("The passages", SearchReply((_PASSAGE,), "fury", "2.0.0"))
CODE = _example("A slip", CheckRequest("from fury import actor\nactor.spher([[0, 0, 0]])", version="2.0.0"))
FINDINGS = _example("A name that does not exist", Verification(2, ("fury.actor.spher",), findings=(_FOUND,)))
FEEDBACK = _example("It did not help", FeedbackRequest(_ANSWER.answer_id, "down", "The sphere is blue."))
