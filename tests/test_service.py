"""Two versions in one service: the question chooses, and every answer says which one it used."""

from __future__ import annotations

import pytest

from agent.cancellation import CancelToken
from agent.errors import UnknownVersion
from agent.schema import Answer, AnswerEvent, Event, QueryRequest, SearchRequest, SourcesEvent, TokenEvent
from agent.service import Service
from agent.settings import Settings
from tests.support import HashEmbedding, ScriptedLLM


def events(
    settings: Settings, question: str, *, llm: ScriptedLLM | None = None, version: str | None = None
) -> list[Event]:
    service = Service(settings, embedding=HashEmbedding(), llm=llm)
    return list(service.stream(QueryRequest(question, version=version), CancelToken()))


def answer(settings: Settings, question: str, *, llm: ScriptedLLM | None = None, version: str | None = None) -> Answer:
    last = events(settings, question, llm=llm, version=version)[-1]
    assert isinstance(last, AnswerEvent)
    return last.answer


@pytest.mark.parametrize(
    ("question", "given", "used"),
    [
        ("How do I draw a sphere?", None, "2.0.0"),
        ("How do I draw a sphere in demo 0.10?", None, "0.10.0"),
        ("How do I draw a sphere in demo 0.10?", "2.0.0", "2.0.0"),
        ("How do I draw a sphere of radius 0.10?", None, "2.0.0"),
    ],
)
def test_request_then_question_then_default_choose_the_version(
    two_versions: Settings, question: str, given: str | None, used: str
) -> None:
    assert answer(two_versions, question, version=given).version == used
    reply = Service(two_versions, embedding=HashEmbedding()).search(SearchRequest(question, version=given))
    assert reply.version == used


def test_a_version_that_is_not_there_is_declined_with_the_list_and_places(two_versions: Settings) -> None:
    found = answer(two_versions, "How do I draw a sphere in demo 0.9?", llm=ScriptedLLM.saying())
    assert found.status == "declined"
    assert "demo 0.9 is not indexed; indexed are: 2.0.0, 0.10.0." in found.answer
    assert "fury-agent index 'demo==0.9'" in found.answer
    assert "nearest places in demo 2.0.0" in found.answer
    assert found.citations
    assert (found.version, found.model) == ("2.0.0", None)


def test_a_search_in_a_version_that_is_not_there_says_whose_passages_it_gives(two_versions: Settings) -> None:
    reply = Service(two_versions, embedding=HashEmbedding()).search(SearchRequest("a sphere in demo 0.9"))
    assert reply.version == "2.0.0"
    assert reply.passages


def test_a_request_for_a_version_that_is_not_there_is_an_error(two_versions: Settings) -> None:
    with pytest.raises(UnknownVersion):
        events(two_versions, "How do I draw a sphere?", version="0.9")


NOTE = "**`demo.actor.odf_slicer` does not exist in demo 2.0.0** (it is in 0.10.0). Use `demo.actor.sph_glyph`"


def test_a_name_that_went_is_told_before_the_draft_and_its_replacement_is_cited(two_versions: Settings) -> None:
    llm = ScriptedLLM.saying("Call it.")
    found = events(two_versions, "How do I call actor.odf_slicer?", llm=llm)
    assert isinstance(found[0], SourcesEvent)
    assert found[0].citations[0].title == "demo.actor.sph_glyph"
    assert isinstance(found[1], TokenEvent)
    assert found[1].text.startswith(NOTE)
    last = found[-1]
    assert isinstance(last, AnswerEvent)
    assert last.answer.answer.startswith(NOTE)
    assert last.answer.answer.endswith("Call it.")
    assert [entry.path for entry in last.answer.citations][:2] == ["demo/actor/__init__.py", "docs/migration_guide.rst"]


def test_the_model_is_told_too(two_versions: Settings) -> None:
    llm = ScriptedLLM.saying("ok")
    answer(two_versions, "How do I call actor.odf_slicer?", llm=llm)
    assert "`demo.actor.odf_slicer` does not exist in demo 2.0.0" in str(llm.asked[0][-1].content)


def test_the_note_stands_before_a_list_of_places_and_a_refusal(two_versions: Settings) -> None:
    question = "How do I call actor.odf_slicer?"
    assert answer(two_versions, question).answer.startswith(NOTE)
    assert answer(two_versions, question, llm=ScriptedLLM.saying("NOT IN SOURCES")).answer.startswith(NOTE)


def test_where_the_name_exists_there_is_no_note(two_versions: Settings) -> None:
    found = answer(two_versions, "How do I call actor.odf_slicer in demo 0.10?", llm=ScriptedLLM.saying("Call it."))
    assert (found.answer, found.version) == ("Call it.", "0.10.0")


def test_a_note_takes_no_more_passages_than_were_asked_for(two_versions: Settings) -> None:
    service = Service(two_versions, embedding=HashEmbedding())
    assert len(service.search(SearchRequest("actor.odf_slicer", top_k=2)).passages) == 2


def test_the_default_is_listed_first(two_versions: Settings) -> None:
    service = Service(two_versions, embedding=HashEmbedding())
    assert [library.version for library in service.libraries()] == ["2.0.0", "0.10.0"]
