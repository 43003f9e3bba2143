"""The main job with nothing replaced: real sources, real embedding, real language model."""

from __future__ import annotations

import ast
import re

import pytest

from agent.cancellation import CancelToken
from agent.schema import AnswerEvent, QueryRequest, SourcesEvent
from agent.service import Service
from agent.settings import Settings


@pytest.mark.weights
@pytest.mark.timeout(400)
def test_three_spheres(shared_settings: Settings, fury_service: Service) -> None:
    """The answer uses `actor.sphere` with parameters that it has, and cites its exact lines."""
    assert fury_service.libraries()
    service = Service(shared_settings)
    try:
        events = list(service.stream(QueryRequest("How do I draw three spheres of different colours?"), CancelToken()))
    finally:
        service.close()
    assert isinstance(events[0], SourcesEvent)
    assert isinstance(events[-1], AnswerEvent)
    answer = events[-1].answer
    assert answer.status == "answered"
    assert "actor.sphere(" in answer.answer
    assert answer.answer.count("```") % 2 == 0
    sphere = service.engine(None, None).retriever.api.resolve("fury.actor.sphere")
    assert sphere is not None
    [code] = re.findall(r"^```python\n(.*?)^```", answer.answer, re.MULTILINE | re.DOTALL)
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    spheres = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "sphere"]
    used = {keyword.arg for call in spheres for keyword in call.keywords}
    assert "colors" in used
    assert used <= {parameter.name for parameter in sphere.parameters}
    [citation] = [entry for entry in answer.citations if entry.symbol == "sphere"]
    assert citation.place == "fury/actor/curved.py:46-163"
    assert citation.url == "https://github.com/fury-gl/fury/blob/v2.0.0/fury/actor/curved.py#L46-L163"
    assert answer.revision == "v2.0.0"
