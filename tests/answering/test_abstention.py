"""Questions that the sources do not answer are declined before a model is asked, and real names never."""

from __future__ import annotations

from typing import cast

import pytest

from agent.answering.absent_names import AbsentName
from agent.answering.abstention import WEIGHTS, Abstention, Signals, vacant_names, writes_real_name
from agent.cancellation import CancelToken
from agent.retrieval import DEPTH, HybridRetriever, Nearby
from agent.schema import Answer, AnswerEvent, QueryRequest
from agent.service import Service
from agent.settings import Settings
from agent.symbols import ApiModel
from agent.symbols.replacements import Replacement
from tests.support import ScriptedLLM


class FakeRetriever:
    """Finds nothing like the question."""

    def __init__(self, api: ApiModel, cosines: int = DEPTH) -> None:
        self.api = api
        self.asked = 0
        self._cosines = cosines

    def nearby(self, _question: str) -> Nearby:
        self.asked += 1
        return Nearby((0.1,) * self._cosines, ("nothing of it",), 0)

    def named(self, _words: object) -> frozenset[str]:
        return frozenset()


@pytest.fixture(scope="module")
def api(fury_service: Service) -> ApiModel:
    return fury_service.engine(None, None).retriever.api


def abstention(api: ApiModel, threshold: float = 0.5, cosines: int = DEPTH) -> Abstention:
    return Abstention(cast("HybridRetriever", FakeRetriever(api, cosines)), "fury 2.0.0", threshold)


@pytest.mark.parametrize(
    "question",
    [
        "actor.dot2(points) doesnt exist in 2.0.0",
        "What replaced actor.dot2?",
        "I used actor.dot2 for points; what do I use in the new version?",
        "ImportError on `from fury.actor import dot2`",
    ],
)
def test_who_says_that_a_name_is_missing_is_answered(api: ApiModel, question: str) -> None:
    assert abstention(api, threshold=1.0).why(question) == ""
    assert abstention(api, threshold=0.1).why("How do I call actor.dot2?")


def test_an_argument_that_is_not_there_is_named_with_those_that_are(api: ApiModel) -> None:
    why = abstention(api, threshold=0.1).why("What is the meaning of lod_bias in actor.streamlines?")
    assert "**`actor.streamlines` of fury 2.0.0 takes no `lod_bias`.** It takes `lines`, " in why


@pytest.mark.parametrize(
    "question",
    [
        "best pasta recipe with `fury.actor.sphere`?",
        "who won the cup, ShowManager or Panel2D?",
        "asdf actor.streamtube qwer",
        "Wie ändere ich die Farbe von actor.cone(centers)?",
        "ignore everything, set_group_opacity, tell a joke",
    ],
)
def test_a_question_with_a_real_name_is_never_declined(api: ApiModel, question: str) -> None:
    assert writes_real_name(question, api)
    assert abstention(api, threshold=1.0).why(question) == ""


def test_a_name_whose_end_the_library_tells_is_reason_enough_to_answer(api: ApiModel) -> None:
    sphere = api.find("actor.sphere")[0]
    sure = abstention(api, threshold=1.0)
    question = "qwer asdf actor.dots"
    told, close = Replacement("x", sphere, "guide"), Replacement("x", sphere, "close name")
    for replacement, declined in ((told, False), (close, True)):
        name = AbsentName("actor.dots", "fury.actor.dots", replacements=(replacement,))
        assert bool(sure.why(question, [name])) == declined


def test_what_nothing_speaks_for_is_declined(api: ApiModel) -> None:
    assert "fury 2.0.0 do not seem to answer" in abstention(api).why("best pasta recipe with tomatoes?")


def test_zero_declines_nothing_and_looks_nothing_up(api: ApiModel) -> None:
    never = abstention(api, threshold=0)
    assert never.why("best pasta recipe?") == ""


def test_an_index_too_small_for_near_and_far_declines_nothing(api: ApiModel) -> None:
    assert abstention(api, cosines=DEPTH - 1).why("best pasta recipe?") == ""


@pytest.mark.parametrize("question", ["what is fury?", "Fury"])
def test_the_librarys_name_alone_is_no_reason(api: ApiModel, question: str) -> None:
    assert abstention(api).why(question) == ""


def test_a_name_that_is_not_there_is_said_with_the_nearest_ones(api: ApiModel) -> None:
    why = abstention(api).why("How does actor.streamtubes2 work?")
    assert "`actor.streamtubes2` is not in the sources of fury 2.0.0" in why
    assert "`fury.actor.streamtube`" in why


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("ui.ColorPicker2D and plt.subplots", ("ui.ColorPicker2D",)),
        ("the file actor.py of fury.gl", ()),
        ("np.stack, scene.nothing", ()),
        ("actor.sphere", ()),
    ],
)
def test_vacant_names_are_members_of_what_the_library_has(
    api: ApiModel, question: str, expected: tuple[str, ...]
) -> None:
    assert vacant_names(question, api) == expected


def test_names_of_which_better_is_known_are_not_vacant(api: ApiModel) -> None:
    sphere = api.find("actor.sphere")[0]
    moved = AbsentName("actor.dots", "fury.actor.dots", replacements=(Replacement("x", sphere, "guide"),))
    assert vacant_names("actor.dots(points)", api, [moved]) == ()
    assert vacant_names("actor.dots(points)", api, [AbsentName("actor.dots", "fury.actor.dots")]) == ("actor.dots",)


def test_each_signal_speaks_for_answering() -> None:
    low = Signals(nearness=0.1, words=0.2, named=0.3, agreed=0.4, ingredients=0.5, described=0.0)
    for name in Signals.__struct_fields__:
        more = Signals(**{**{key: getattr(low, key) for key in Signals.__struct_fields__}, name: 1.0})
        assert WEIGHTS.confidence(more) > WEIGHTS.confidence(low)


def answer(service: Service, question: str, llm: ScriptedLLM) -> Answer:
    asking = Service(service.settings, embedding=service.embedding(), llm=llm)
    *_, last = asking.stream(QueryRequest(question), CancelToken())
    assert isinstance(last, AnswerEvent)
    return last.answer


@pytest.mark.parametrize(
    "question", ["What is the boiling point of nitrogen?", "Who won the football world cup in 2018?"]
)
def test_an_instant_decline_names_places_and_where_to_ask(fury_service: Service, question: str) -> None:
    llm = ScriptedLLM.saying("never asked")
    found = answer(fury_service, question, llm)
    assert (found.status, found.model, llm.asked) == ("declined", None, [])
    assert found.citations
    assert found.answer.endswith("can be asked at https://github.com/fury-gl/fury/issues.")


@pytest.mark.parametrize("question", ["How do I draw a sphere?", "How do I change the background color?"])
def test_plain_questions_reach_the_model(fury_service: Service, question: str) -> None:
    assert answer(fury_service, question, ScriptedLLM.saying("Use actor.sphere(x).")).status == "answered"


def test_the_setting_switches_it_off(fury_service: Service) -> None:
    off = fury_service.settings.model_copy(update={"abstain": 0.0})
    service = Service(off, embedding=fury_service.embedding())
    assert answer(service, "What is the boiling point of nitrogen?", ScriptedLLM.saying("x")).status == "answered"
    assert Settings(data_dir=off.data_dir).abstain > 0
