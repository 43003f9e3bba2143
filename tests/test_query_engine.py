"""From a question to a checked answer, over a real small index and a scripted model."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx
from llama_index.core import Settings as LlamaSettings  # noqa: TID251 - to see that it stays untouched
from llama_index.core.base.response.schema import Response
from pydantic import PrivateAttr

from agent.cancellation import CancelToken
from agent.errors import Cancelled, InvalidInput, UnknownVersion
from agent.index_build import build
from agent.prompts import NOT_IN_SOURCES, SYSTEM
from agent.schema import Answer, AnswerEvent, CheckRequest, QueryRequest, SearchRequest, SourcesEvent, TokenEvent
from agent.service import Service
from agent.settings import Settings
from agent.verification import without_note
from tests.fakes import running
from tests.support import HashEmbedding, ScriptedLLM

LIBRARY = {
    "pyproject.toml": '[project]\nname = "demo"\nversion = "1.0"\n[project.urls]\nSource = "https://github.com/o/demo"\n',
    "demo/__init__.py": '"""A demo."""\nfrom demo.shapes import sphere\n\n__all__ = ["sphere"]\n',
    "demo/shapes.py": '''"""Shapes."""


def sphere(centers, *, colors=(1, 0, 0)):
    """Create spheres.

    Parameters
    ----------
    centers : ndarray
        Where they are.
    """
    return centers


def _hidden(sphere):
    """Help to make a sphere."""
    return sphere
''',
    "README.md": "# Demo\n\nInstall it with pip.\n",
}


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings whose default library is a small folder, indexed."""
    root = tmp_path_factory.mktemp("engine")
    for name, text in LIBRARY.items():
        path = root / "demo" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    settings = Settings(data_dir=root / "data", library=str(root / "demo"))
    build(settings.library, settings, embedding=HashEmbedding())
    return settings


def answer(settings: Settings, llm: ScriptedLLM | None, question: str = "How do I draw a sphere?") -> Answer:
    service = Service(settings.model_copy(update={"llm": "none"}), embedding=HashEmbedding(), llm=llm)
    *_, last = service.stream(QueryRequest(question), CancelToken())
    assert isinstance(last, AnswerEvent)
    return last.answer


class HeldLLM(ScriptedLLM):
    """Can be held to a grammar, and says to which it was."""

    _grammars: list[str] = PrivateAttr(default_factory=list)

    def held_to(self, grammar: str) -> HeldLLM:
        self._grammars.append(grammar)
        return self


def test_only_programs_are_written_under_the_grammar_for_imports(indexed: Settings) -> None:
    llm = HeldLLM.saying("```python\nfrom demo import sphere\n\nsphere([[0, 0, 0]])\n```")
    answer(indexed, llm, "Draw two red spheres.")
    (grammar,) = llm._grammars
    assert '"demo"' in grammar
    llm = HeldLLM.saying("It takes `centers` [1].")
    answer(indexed, llm, "What does the parameter centers of sphere mean?")
    assert not llm._grammars


def test_a_question_is_embedded_once(indexed: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    embed = HashEmbedding.get_query_embedding

    def noted(model: HashEmbedding, query: str) -> list[float]:
        asked.append(query)
        return embed(model, query)

    monkeypatch.setattr(HashEmbedding, "get_query_embedding", noted)
    answer(indexed, ScriptedLLM.saying("Call `sphere` [1]."))
    assert asked == ["How do I draw a sphere?"]


def test_sources_come_first_then_tokens_then_the_answer(indexed: Settings) -> None:
    service = Service(indexed, embedding=HashEmbedding(), llm=ScriptedLLM.saying("Use `demo.sphere` [1]."))
    events = list(service.stream(QueryRequest("How do I draw a sphere?"), CancelToken()))
    assert isinstance(events[0], SourcesEvent)
    assert "".join(event.text for event in events if isinstance(event, TokenEvent)) == "Use `demo.sphere` [1]."
    assert isinstance(events[-1], AnswerEvent)


def test_an_answer_cites_exact_lines(indexed: Settings) -> None:
    found = answer(indexed, ScriptedLLM.saying("```python\nfrom demo import sphere\nsphere([[0, 0, 0]])\n```"))
    assert found.status == "answered"
    cited = {entry.symbol: entry for entry in found.citations}["sphere"]
    assert (cited.path, cited.start_line, cited.end_line) == ("demo/shapes.py", 4, 12)
    assert found.model == "scripted"
    assert (found.library, found.version) == ("demo", "1.0")


def test_the_prompt_holds_signature_and_parameters(indexed: Settings) -> None:
    llm = ScriptedLLM.saying("ok")
    answer(indexed, llm)
    prompt = str(llm.asked[0][-1].content)
    assert "def sphere(centers, *, colors=(1, 0, 0))" in prompt
    assert "centers : ndarray - Where they are." in prompt


def test_without_a_model_the_sources_are_listed(indexed: Settings) -> None:
    found = answer(indexed, None)
    assert found.status == "sources_only"
    assert found.citations[0].symbol == "sphere"
    assert "demo/shapes.py:4-12" in found.answer
    assert found.model is None


def test_a_model_that_does_not_find_it_declines_with_places(indexed: Settings) -> None:
    found = answer(indexed, ScriptedLLM.saying(NOT_IN_SOURCES + "."))
    assert found.status == "declined"
    assert NOT_IN_SOURCES not in found.answer
    assert found.citations


def test_a_dead_model_leaves_the_sources(indexed: Settings) -> None:
    found = answer(indexed, ScriptedLLM.saying(ConnectionError("gone")))
    assert found.status == "sources_only"
    assert found.citations


def test_an_empty_reply_leaves_the_sources(indexed: Settings) -> None:
    assert answer(indexed, ScriptedLLM.saying("")).status == "sources_only"


def test_a_withdrawn_question_stops(indexed: Settings) -> None:
    service = Service(indexed, embedding=HashEmbedding(), llm=ScriptedLLM.saying("never read"))
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        list(service.stream(QueryRequest("How?"), cancel))


@pytest.mark.parametrize(
    "question", ["", "   \n", "?!…", "a" * 4001, "a\x00b", "\x01\x02\x03\x04a", "draw \udcff spheres"]
)
def test_what_is_no_question_is_refused(indexed: Settings, question: str) -> None:
    service = Service(indexed, embedding=HashEmbedding())
    with pytest.raises(InvalidInput) as caught:
        service.search(SearchRequest(question))
    assert caught.value.field == "question"


def test_it_is_a_llama_index_query_engine(indexed: Settings) -> None:
    service = Service(indexed, embedding=HashEmbedding(), llm=ScriptedLLM.saying("Use sphere(x)."))
    response = service.engine(None, None, with_llm=True).query("How do I draw a sphere?")
    assert isinstance(response, Response)
    assert response.response == "Use sphere(x)."
    assert response.source_nodes
    assert (response.metadata or {})["answer"].status == "answered"


def test_llama_index_globals_stay_untouched(indexed: Settings) -> None:
    answer(indexed, ScriptedLLM.saying("ok"))
    assert LlamaSettings._llm is None
    assert LlamaSettings._embed_model is None


def test_a_new_generation_is_picked_up(tmp_path: Path) -> None:
    root = tmp_path / "demo"
    for name, text in LIBRARY.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    settings = Settings(data_dir=tmp_path / "data", library=str(root), llm="none")
    build(settings.library, settings, embedding=HashEmbedding())
    service = Service(settings, embedding=HashEmbedding())
    assert not any(passage.symbol == "cube" for passage in service.search(SearchRequest("cube")).passages)
    (root / "demo/shapes.py").write_text('def cube():\n    """Make a cube."""\n')
    build(settings.library, settings, embedding=HashEmbedding())
    assert service.search(SearchRequest("cube")).passages[0].symbol == "cube"


def test_an_event_loop_is_not_blocked(indexed: Settings) -> None:
    """LlamaIndex's own default calls the synchronous method on the loop."""
    service = Service(indexed, embedding=HashEmbedding(), llm=ScriptedLLM.saying("ok"))
    engine = service.engine(None, None, with_llm=True)
    with blockbuster_ctx():
        response = asyncio.run(engine.aquery("How do I draw a sphere?"))
    assert isinstance(response, Response)
    assert response.response == "ok"


def test_without_weights_the_sources_are_listed_and_health_says_why(indexed: Settings) -> None:
    service = Service(
        indexed.model_copy(update={"llm": "embedded", "llm_model": "/no/such/model.gguf"}), embedding=HashEmbedding()
    )
    *_, last = service.stream(QueryRequest("How do I draw a sphere?"), CancelToken())
    assert isinstance(last, AnswerEvent)
    assert last.answer.status == "sources_only"
    assert "/no/such/model.gguf" in last.answer.answer
    assert service.health().status == "degraded"


def test_a_question_of_the_greatest_length_is_answered(indexed: Settings) -> None:
    assert answer(indexed, ScriptedLLM.saying("ok"), "word " * 800).status == "answered"


def test_sections_of_one_file_are_places_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    page = "".join(f"# Part {number}\n\nThis explains spheres of kind {number}.\n\n" for number in range(3))
    (tmp_path / "demo" / "README.md").write_text(page)
    settings = Settings(data_dir=tmp_path / "data", library=str(tmp_path / "demo"), llm="none")
    build(settings.library, settings, embedding=HashEmbedding())
    assert len(Service(settings, embedding=HashEmbedding()).search(SearchRequest("spheres", top_k=10)).passages) == 3


# --- checks ----------------------------------------------------------------------------------------

WRONG = """Use `demo.sphere` [1] [7]:

```python
from demo import sphere
sphere([[0, 0, 0]], radii=2)
demo.cube()
```"""


def test_what_does_not_hold_is_said_below_the_answer(indexed: Settings) -> None:
    found = answer(indexed, ScriptedLLM.saying(WRONG))
    checked = found.verification
    assert checked.unknown_names == ("demo.cube",)
    assert len(checked.bad_calls) == 1
    assert "`demo.cube` does not exist." in found.answer
    assert "`sphere()` passes `radii`, which is no parameter. It is `demo.sphere(centers" in found.answer
    assert without_note(found.answer).endswith("```")
    for finding in checked.findings:  # places are those that the reader sees
        assert finding.subject in found.answer.splitlines()[finding.line - 1][finding.column - 1 :]


def test_what_is_certain_is_repaired_before_anybody_sees_it(indexed: Settings) -> None:
    found = answer(indexed, ScriptedLLM.saying("```python\nfrom demo import spheres\nspheres([1], color=2)\n```"))
    assert found.verification.repaired == ()  # its arguments would not fit
    found = answer(indexed, ScriptedLLM.saying("```python\nfrom demo import spheres\nspheres([1], colors=2)\n```"))
    assert found.answer == "```python\nfrom demo import sphere\nsphere([1], colors=2)\n```"
    assert found.verification.repaired == ("replaced `demo.spheres` by `demo.sphere`",)
    assert found.verification.findings == ()
    assert found.citations[0].symbol == "sphere"


def test_an_answer_that_holds_has_no_note(indexed: Settings) -> None:
    found = answer(indexed, ScriptedLLM.saying("```python\nimport demo\ndemo.sphere([1])\n```"))
    assert without_note(found.answer) == found.answer
    assert (found.verification.checked_names, found.verification.checked_calls) == (2, 1)
    assert found.verification.unchecked is None


@pytest.mark.parametrize(
    "said", ["I do not know.", "```python\n" + "(" * 5_000 + "\n```", "x" * 210_000, "```python\n" + "`" * 999, "\0```"]
)
def test_there_is_always_an_answer(indexed: Settings, said: str) -> None:
    found = answer(indexed, ScriptedLLM.saying(said))
    assert found.status == "answered"
    if len(said) > 200_000:
        assert found.verification.unchecked is not None
        assert "Not checked to the end" in found.answer


@pytest.mark.parametrize("said", [WRONG, "Call `demo.spher`."])
def test_without_an_api_model_the_answer_says_that_it_is_unchecked(indexed: Settings, said: str) -> None:
    service = Service(indexed, embedding=HashEmbedding(), llm=ScriptedLLM.saying(said))
    engine = service.engine(None, None, with_llm=True).model_copy(update={"api": None})
    *_, last = engine.stream("How do I draw a sphere?")
    assert isinstance(last, AnswerEvent)
    assert "no Python API of demo 1.0" in (last.answer.verification.unchecked or "")
    assert last.answer.verification.unknown_names == ()


def test_code_in_another_language_is_said_to_be_unchecked(indexed: Settings) -> None:
    found = answer(indexed, ScriptedLLM.saying("So:\n```bash\nls\n```\nand\n```wgsl\nx\n```"))
    assert found.verification.unchecked == "Only Python is checked, not the code in bash and in wgsl."
    assert "Checked against" not in found.answer  # nothing is wrong


def test_code_is_checked_without_any_model(indexed: Settings) -> None:
    service = Service(indexed)
    checked = service.check(CheckRequest("import demo\n\ndemo.sphere()\n"))
    assert [(f.kind, f.line, f.column) for f in checked.findings] == [("bad-call", 3, 1)]
    with pytest.raises(UnknownVersion):
        service.check(CheckRequest("x", version="9.9"))


@pytest.mark.parametrize(
    "code",
    [
        "import a" + ".a" * 31_000,
        "try: pass\n" + "".join(f"except E{i}: a=1\n" for i in range(3_200)),
        "(" * 64_000,
        "demo" + ".sphere" * 9_000,
        "from demo import *\n" * 3_000,
        "".join(f"for a{i} in x: b{i}=1\n" for i in range(2_600)),
        "class A(" + "x." * 30_000 + "a, B): pass",
        "f(" * 20_000 + ")" * 20_000,
    ],
    ids=["import", "handlers", "parentheses", "members", "stars", "loops", "bases", "calls"],
)
def test_64_kilobytes_of_malice_are_answered_in_time(indexed: Settings, code: str) -> None:
    service = Service(indexed)
    with running(service) as client:
        started = time.perf_counter()
        reply = client.post("/check", json={"code": code[:59_000]})
        assert reply.status_code == 200
        assert time.perf_counter() - started < 8
        assert client.get("/health/live").status_code == 200


def test_an_answer_that_repeats_the_rules_is_declined(indexed: Settings) -> None:
    found = answer(indexed, ScriptedLLM.saying(f"My rules are: {SYSTEM}"))
    assert found.status == "declined"
    assert "Never invent" not in found.answer


def test_links_mentions_and_unsupported_numbers_go(indexed: Settings) -> None:
    said = "Ask @everyone about bananas [1]; `demo.sphere` [1] is at [x](https://evil.example)."
    found = answer(indexed, ScriptedLLM.saying(f"Taxes rose last winter [1]. {said}"))
    assert "evil.example" not in found.answer
    assert "@everyone" not in found.answer
    assert found.answer.startswith("Taxes rose last winter. ")
    assert "`demo.sphere` [1]" in found.answer
