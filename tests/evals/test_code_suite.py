"""The suite `code`: from an answer to the program in it, its run, its scores and the report."""

from __future__ import annotations

import io
import runpy
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace
from PIL import Image

from agent.errors import InvalidInput, ModelUnavailable, ServiceError
from agent.index_build import build
from agent.sandbox import Sandbox, problems
from agent.schema import AnswerEvent, TokenEvent
from agent.service import Service
from agent.settings import Settings
from evals import arms, code_runs
from evals.arms import Arm, choose, engine_arms, final_answer
from evals.code_requests import Request, load_requests
from evals.code_runs import _seen, drawn, try_code
from evals.code_scores import STEPS, failure, measure, score_code
from evals.code_suite import program, write_all
from evals.observations import Coded
from evals.observe import Observer
from evals.report.build import build_report
from evals.report.markdown import render_markdown
from evals.report.page import render_page
from evals.runs import Run
from evals.scene_check import missing
from evals.scenes import Seen
from evals.session import Plan
from evals.session import measure as measure_plan
from evals.suites import ALL, SUITES
from tests.evals.code_support import BY_ID, REQUESTS, as_answer, kept, program_of, run_kept
from tests.evals.test_runs import IDENTITY
from tests.fakes import ANSWER, SOURCES, ScriptedService, running
from tests.support import HashEmbedding, ScriptedLLM
from tests.test_query_engine import LIBRARY

REFERENCES = {request.request: as_answer(program_of(request)) for request in REQUESTS}
FEW = REQUESTS[:4]


def quiet(_stage: str, _done: int, _total: int | None) -> None:
    pass


def observed(folder: Path, *chosen: Arm, requests: Sequence[Request] = REQUESTS) -> Run:
    with Run.start(folder, IDENTITY) as run:
        write_all(Observer(run, quiet), requests, chosen, run_kept, "fury")
    return Run.open(run.folder)


def means(run: Run, arm: str, requests: Sequence[Request] = REQUESTS) -> list[float]:
    scores = score_code(run, requests)
    assert scores is not None
    figures = [scores.figure(measure(arm, step)) for step in STEPS]
    return [figure.mean for figure in figures if figure]


# --- the program in an answer ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("No code.", ""),
        ("```bash\npip install fury\n```", ""),
        ("```python\nimport fury\n```\nthen\n```python\nx = 1\n```", "import fury\n\nx = 1\n"),
        ("```python\nimport fury\n```\nor\n```py\nfrom fury import actor\n```", "from fury import actor\n"),
        ("```python\nx = 1\n```\n```python\ny = 2\n```", "x = 1\n\ny = 2\n"),
        ("```python\nx = 1\n```\n```python\nimport fury.actor as a, os\n```\n", "import fury.actor as a, os\n"),
        (
            "```python\n# import fury\n```\n```python\nimport furyous\n```",
            "# import fury\n\nimport furyous\n",
        ),
    ],
)
def test_the_last_whole_program_and_what_follows_is_taken(answer: str, code: str) -> None:
    assert program(answer, "fury") == code


# --- arms over a scripted sandbox ------------------------------------------------------------------


def test_references_as_answers_fulfil_every_request(tmp_path: Path) -> None:
    run = observed(tmp_path, Arm("right", REFERENCES.__getitem__))
    assert means(run, "right") == [1, 1, 1, 1]


def test_wrong_answers_fail_at_the_step_where_they_are_wrong(tmp_path: Path) -> None:
    ball = as_answer(program_of(BY_ID["red-ball"]))
    run = observed(
        tmp_path,
        Arm("silent", lambda _: "I cannot."),
        Arm("broken", lambda _: as_answer("import fury\nfury.actor.ball()\n")),
        Arm("always a ball", lambda _: ball),
    )
    assert means(run, "silent") == [0, 0, 0, 0]
    assert means(run, "broken") == [1, 0, 0, 0]
    assert means(run, "always a ball") == [1, 1, 1, 1 / len(REQUESTS)]


def test_what_was_written_is_kept_and_not_asked_again(tmp_path: Path) -> None:
    asked: list[str] = []

    def write(request: str) -> str:
        asked.append(request)
        return REFERENCES[request]

    first = observed(tmp_path, Arm("right", write), requests=FEW)
    again = observed(tmp_path, Arm("right", write), requests=FEW)
    assert len(asked) == len(FEW)
    assert again.coded("right", FEW) == first.coded("right", FEW)
    assert first.coded("right", FEW)[FEW[0].id].code == program_of(FEW[0])


def test_a_model_that_is_gone_ends_the_suite_and_is_asked_again_later(tmp_path: Path) -> None:
    def gone(_request: str) -> str:
        raise ModelUnavailable("It has died.")

    with pytest.raises(ServiceError, match=r"3 requests in a row.*It has died"):
        observed(tmp_path, Arm("right", gone))
    run = Run.open(next(tmp_path.iterdir()))
    assert score_code(run, REQUESTS) is None
    run = observed(tmp_path, Arm("right", REFERENCES.__getitem__), requests=FEW)
    assert means(run, "right", FEW) == [1, 1, 1, 1]


def test_a_failure_has_a_kind_and_a_reason() -> None:
    request = BY_ID["red-ball"]
    entry = Coded(arm="a", case=request.id, request=request.request, answer="x", code="x", tried=kept()[request.id])
    assert failure(entry, request) is None
    assert failure(replace(entry, tried=None), request) == ("no code", "the answer has no code")

    def of(**changes: object) -> tuple[str, str] | None:
        return failure(replace(entry, tried=replace(kept()[request.id], **changes)), request)

    error = "Line 3: actor.sphere(x=1)\nTypeError: sphere() got an unexpected keyword argument 'x'"
    assert of(ok=False, error=error) == ("TypeError", error)
    slow = "It did not end within 60 s."
    assert of(ok=False, error=slow) == ("limit or signal", slow)
    network = "Line 2: fetch()\nurllib.error.URLError: <urlopen error>"
    assert of(ok=False, error=network) == ("URLError", network)
    assert of(drawn=None) == ("no picture", "it shows nothing")
    assert of(drawn=0.0001) == ("no picture", "its picture is blank")
    kind, reason = of(seen=kept()["one plain sphere"].seen) or ("", "")
    assert (kind, reason) == ("not what was asked", "the background is not white")


def test_the_report_shows_each_arm_and_why_programs_failed(tmp_path: Path) -> None:
    broken = as_answer("import fury\nfury.actor.ball()\n")
    run = observed(tmp_path, Arm("bare", lambda _: broken), Arm("whole", REFERENCES.__getitem__), requests=FEW)
    scores = score_code(run, FEW)
    assert scores is not None
    report = build_report(run, (), None, {"code": scores}, command="c", requests=FEW)
    arms_table, reasons = report.tables
    assert [row.name for row in arms_table.rows] == ["bare", "whole"]
    ran = arms_table.rows[0].cells[1]
    assert isinstance(ran, msgspec.Struct)
    assert (ran.mean, round(ran.high, 2)) == (0.0, 0.49)  # pyright: ignore[reportAttributeAccessIssue] - a Figure
    assert [(row.name, row.cells) for row in reasons.rows] == [("AttributeError", (4, 0))]
    assert [question.verdict for question in report.questions] == ["failed"] * 4 + ["good"] * 4
    assert "no attribute 'ball'" in report.questions[0].why[0]
    assert "AttributeError" in render_markdown(report)
    assert "(bare)" in render_page(report)


# --- the arms ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    root = tmp_path_factory.mktemp("arms")
    for name, text in LIBRARY.items():
        path = root / "demo" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    settings = Settings(data_dir=root / "data", library=str(root / "demo"))
    build(settings.library, settings, embedding=HashEmbedding())
    return settings


def engine_arm(settings: Settings, llm: ScriptedLLM | None, name: str) -> Arm:
    service = Service(settings.model_copy(update={"llm": "none"}), embedding=HashEmbedding(), llm=llm)
    return next(arm for arm in engine_arms(service.engine(None, None, with_llm=True), None) if arm.name == name)


WRONG_NAME = "```python\nfrom demo import Sphere\n\nSphere([[0, 0, 0]])\n```"


def test_the_model_alone_is_given_the_request_and_nothing_more(indexed: Settings) -> None:
    llm = ScriptedLLM.saying(WRONG_NAME)
    assert engine_arm(indexed, llm, arms.ALONE).write("Draw a sphere") == WRONG_NAME
    system, user = llm.asked[0]
    assert "demo 1.0" in (system.content or "")
    assert user.content == "Draw a sphere"


def test_plain_retrieval_is_given_docstrings_and_repairs_nothing(indexed: Settings) -> None:
    llm = ScriptedLLM.saying(WRONG_NAME)
    assert engine_arm(indexed, llm, arms.PLAIN).write("Draw a sphere") == WRONG_NAME
    user = llm.asked[0][1].content or ""
    assert "demo.sphere: def sphere(centers, *, colors=(1, 0, 0))\nCreate spheres." in user
    assert "Install it with pip" not in user
    assert user.endswith("Request: Draw a sphere")


def test_plain_retrieval_keeps_to_the_prompt_budget(indexed: Settings) -> None:
    llm = ScriptedLLM.saying("x")
    engine_arm(indexed.model_copy(update={"prompt_tokens": 256}), llm, arms.PLAIN).write("sphere " * 200)
    assert "Create spheres" not in (llm.asked[0][1].content or "")


def test_the_verified_arm_is_what_users_get(indexed: Settings) -> None:
    answer = engine_arm(indexed, ScriptedLLM.saying(WRONG_NAME), arms.VERIFIED).write("Draw a sphere")
    assert "from demo import sphere" in answer


def test_without_a_model_no_code_is_written(indexed: Settings) -> None:
    with pytest.raises(ServiceError, match="No language model"):
        engine_arm(indexed, None, arms.ALONE)
    with pytest.raises(ServiceError, match="No language model answered"):
        final_answer([TokenEvent("x"), AnswerEvent(replace(ANSWER, status="sources_only"))])


def test_arms_are_chosen_by_name() -> None:
    both = [Arm("a", str), Arm("b", str), Arm(arms.ONCE, str), Arm(arms.FREE, str)]
    assert [arm.name for arm in choose(both, [arms.ONCE])] == [arms.ONCE]
    assert [arm.name for arm in choose(both, [])] == ["a", "b"]
    assert [arm.name for arm in choose(both, ["b"])] == ["b"]
    with pytest.raises(InvalidInput, match=r"no arm 'c'.*a, b"):
        choose(both, ["c"])


# --- what a run says ----------------------------------------------------------------------------------


@pytest.mark.parametrize("output", ["", "abc", "mark:", "mark:not base 85 \\", "mark:c%1E4", "x mark:00000"])
def test_what_cannot_be_read_shows_nothing(output: str) -> None:
    assert _seen(output, "mark:") == Seen()


@pytest.mark.parametrize("held", [["a", "b"], ("a", "b"), np.array(["a", "b"])], ids=["list", "tuple", "array"])
def test_texts_of_an_interface_are_seen_however_they_are_held(held: Sequence[str]) -> None:
    watch = runpy.run_path(str(Path(code_runs.__file__).parent / "inside" / "watch.py"))
    assert watch["_element"](SimpleNamespace(labels=[], values=held))["texts"] == ["a", "b"]


def test_the_drawn_share_is_that_of_pixels_unlike_the_background() -> None:
    picture = Image.new("RGBA", (20, 10), (9, 9, 9, 255))
    for x in range(10):
        picture.putpixel((x, 0), (200, x, 0, 255))
    out = io.BytesIO()
    picture.save(out, "PNG")
    assert drawn(out.getvalue()) == 0.05


def test_requests_are_read_strictly(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no requests for code"):
        load_requests(tmp_path / "none")
    line = msgspec.json.encode(REQUESTS[0])
    (tmp_path / "requests.jsonl").write_bytes(line + b"\n" + line)
    with pytest.raises(InvalidInput, match=r"requests.jsonl:2: the id 'red-ball' is there already"):
        load_requests(tmp_path)
    (tmp_path / "requests.jsonl").write_bytes(line.replace(b'"any_of"', b'"any"'))
    with pytest.raises(InvalidInput, match=r"requests.jsonl:1"):
        load_requests(tmp_path)


# --- real runs ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fury(shared_settings: Settings) -> Sandbox:
    if found := problems(shared_settings, "fury", "2.0.0"):
        pytest.skip(f"{found[0].found}: {found[0].remedy}")
    return Sandbox(shared_settings, "fury", "2.0.0")


def test_a_picture_and_what_moves_in_it_is_seen(fury: Sandbox) -> None:
    request = BY_ID["moon"]
    one = try_code(program_of(request), fury)
    assert one.error is None
    assert (one.drawn or 0) > 0.01
    assert not missing(request.expect, one.seen)
    assert one.seen == kept()["moon"].seen


def test_a_service_is_measured_by_its_programs(fury: Sandbox, tmp_path: Path, shared_settings: Settings) -> None:
    """Whose error is told with the line of the code, though another program runs it."""
    assert fury
    code = "from __future__ import annotations\nfrom fury import actor\n\nactor.ball()\n"
    broken = AnswerEvent(replace(ANSWER, answer=as_answer(code)))
    with running(ScriptedService(SOURCES, broken)) as client:
        plan = Plan(suites=("code",), answerer=str(client.base_url), ids=("red-ball",), out=tmp_path)
        outcome = measure_plan(plan, shared_settings, quiet)
    assert outcome.problem is None
    assert outcome.cases == ()
    assert [row.name for row in outcome.report.tables[0].rows] == ["service"]
    assert outcome.scores["code"].values["service: has code"] == {"red-ball": 1.0}
    assert outcome.scores["code"].values["service: ran"] == {"red-ball": 0.0}
    tried = outcome.run.coded("service", outcome.requests)["red-ball"].tried
    assert tried is not None
    assert (tried.ok, tried.drawn, tried.seen) == (False, None, Seen())
    assert (tried.error or "").startswith("Line 4: actor.ball()\nAttributeError: ")
    assert "AttributeError" in (outcome.run.folder / "part.md").read_text()


def test_the_suite_takes_too_long_for_all() -> None:
    assert "code" in SUITES
    assert "code" not in ALL
