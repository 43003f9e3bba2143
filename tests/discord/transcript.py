"""What people on Discord see, as a page: `python -m tests.discord.transcript > docs/discord-transcript.html`.

Every message was taken from the local Discord after the real bot had written it there, by the real client, and every
word below an answer's text is the bot's own. The answers themselves are scripted, so that no model is needed.
"""

from __future__ import annotations

import base64
import io
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from html import escape
from typing import Any

import numpy as np
from markdown_it import MarkdownIt
from msgspec.structs import replace
from PIL import Image

from agent.cancellation import CancelToken
from agent.discord.markdown import Code, parse
from agent.schema import Answer, AnswerEvent, Citation, Event, QueryRequest, Ran, SourcesEvent, TokenEvent, Verification
from tests.discord.playing import ALICE, BOB, bot_running, local_discord
from tests.discord.transcript_style import STYLE
from tests.fakes import ANSWER, ScriptedService, eventually, running
from tests.servers.discord import Discord
from tests.servers.discord_rules import Interaction, buttons
from tests.servers.ports import free_port

NAMES = {ALICE: "Alice", BOB: "Bob"}
_URL = "https://github.com/fury-gl/fury/blob/v2.0.0/"
_ACTOR = Citation(1, "fury/actor/curved.py", "sphere", 19, 98, f"{_URL}fury/actor/curved.py#L19-L98", "sphere")
_EXAMPLE = Citation(
    2, "docs/examples/viz_sphere.py", None, 1, 44, f"{_URL}docs/examples/viz_sphere.py#L1-L44", "Spheres"
)
_PROGRAM = """\
import numpy as np
from fury import actor, window

centers = np.array([[-2, 0, 0], [0, 0, 0], [2, 0, 0]])
colors = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]])
scene = window.Scene()
scene.add(actor.sphere(centers, colors=colors, radii=0.9))
window.snapshot(scene=scene, fname="spheres.png")"""
_MARKDOWN = MarkdownIt("commonmark", {"html": False})


def _answer(text: str, **more: Any) -> Answer:
    base = replace(ANSWER, model="qwen2.5-coder-1.5b", timings=replace(ANSWER.timings, total_ms=8_400))
    checked = Verification(checked_names=6, checked_calls=4)
    return replace(base, answer=text, **{"citations": (_ACTOR, _EXAMPLE), "verification": checked} | more)


SPHERES = "How do I draw spheres of different colours?"
TEXTURE = "And where do I say how large they are?"
DRAW = "Show me the picture, please."
BREAD = "How do I bake bread?"
ANSWERS = {
    SPHERES: _answer(
        f"Give `actor.sphere` one row of `colors` for each centre [1]:\n\n```python\n{_PROGRAM}\n```\n\n"
        "- `colors` holds red, green and blue between 0 and 1.\n- **One** actor draws all of them, which is quick [2]."
    ),
    TEXTURE: _answer("With `radii`: one number for all spheres, or one for each [1].", citations=(_ACTOR,)),
    DRAW: _answer(
        f"This draws three [1]:\n\n```python\n{_PROGRAM}\n```",
        verification=Verification(6, checked_calls=4, ran=Ran(ok=True, seconds=2.3, image_url="/pictures/known.png")),
    ),
    BREAD: _answer(
        "The sources of fury 2.0.0 do not say anything about this, so I would have to make it up.",
        status="declined",
        verification=Verification(),
        model=None,
    ),
}


class _Told(ScriptedService):
    """Gives each question its answer, in small pieces."""

    def stream(self, request: QueryRequest, cancel: CancelToken, *, user: str | None = None) -> Iterator[Event]:  # noqa: ARG002 - nobody asks who it was
        answer = ANSWERS[request.question]
        yield SourcesEvent(answer.citations, answer.library, answer.version)
        for line in answer.answer.splitlines(keepends=True):
            yield TokenEvent(line)
        yield AnswerEvent(answer)

    def picture(self, name: str) -> bytes:  # noqa: ARG002 - there is one
        return _spheres()


def _spheres() -> bytes:
    """Return a stand-in for what the program renders: three balls, lit from above."""
    y, x = np.mgrid[-1:1:300j, -3:3:900j]  # pyright: ignore[reportUnknownVariableType] - numpy's stubs for slices
    picture = np.zeros((300, 900, 3))
    for channel, middle in enumerate((-2, 0, 2)):
        depth = 0.81 - (x - middle) ** 2 - y**2
        light = np.clip((0.5 * np.sqrt(np.clip(depth, 0, None)) - 0.5 * y + 0.25 * (middle - x)) / 0.9 + 0.25, 0.1, 1)
        picture[depth > 0, channel] = light[depth > 0]
    made = io.BytesIO()
    Image.fromarray((picture * 255).astype(np.uint8)).save(made, "PNG")
    return made.getvalue()


# --- the scenes ----------------------------------------------------------------------------------


class _Scene:
    """What happened, as HTML, in order."""

    def __init__(self, discord: Discord) -> None:
        self.discord = discord
        self.parts: list[str] = []

    def heading(self, text: str, about: str) -> None:
        self.parts.append(f"<h2>{escape(text)}</h2><p class=about>{escape(about)}</p>")

    def mention(self, who: int, text: str, place: int | None = None) -> dict[str, Any]:
        said = self.discord.say(who, f"<@100> {text}", place or 300)
        self.parts.append(_said(NAMES[who], f"<span class=mention>@fury</span> {escape(text)}"))
        return said

    def command(self, who: int, question: str) -> Interaction:
        used = f"<span class=used>used</span> <span class=mention>/ask</span> {escape(question)}"
        self.parts.append(_said(NAMES[who], used))
        return self.discord.ask(who, question)

    def answer(self, done: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        count = len([part for part in self.parts if "class=app" in part])
        assert eventually(lambda: len(self.discord.from_bot()) > count and done(self.discord.from_bot()[-1]), 20)
        message = self.discord.from_bot()[-1]
        files = self.discord.files.get(int(message["id"]), {})
        self.parts.append(_said("fury", _shown(message, files), app=True))
        return message

    def private(self, who: int, count: int) -> None:
        assert eventually(lambda: len(self.discord.ephemeral) == count, 10)
        text = _markdown(self.discord.ephemeral[-1])
        self.parts.append(f"<div class=private>{text}<small>Only {NAMES[who]} can see this</small></div>")


def _conversation(scene: _Scene) -> None:
    scene.heading("A question, its thread, a follow-up, feedback", "A mention is answered in a thread of its own.")
    said = scene.mention(ALICE, SPHERES)
    scene.parts.append(f"<div class=thread><div class=title>Thread: {escape(SPHERES)}</div>")
    message = scene.answer(_has_buttons)
    scene.mention(BOB, TEXTURE, int(said["id"]))
    scene.answer(_has_buttons)
    scene.discord.press(BOB, message, "Not helpful")
    assert eventually(lambda: bool(scene.discord.modals), 10)
    reason = "The file is written, but no window opens."
    scene.parts.append(_form(scene.discord.modals[-1], reason))
    scene.discord.submit(BOB, scene.discord.modals[-1], reason=reason)
    scene.private(BOB, 1)
    scene.parts.append("</div>")


def _picture(scene: _Scene) -> None:
    scene.heading("A picture", "The program was run in the sandbox; what it showed comes along. (Here a stand-in.)")
    scene.command(ALICE, DRAW)
    scene.answer(_has_buttons)


def _declined(scene: _Scene) -> None:
    scene.heading("A question that the sources do not answer", "It is declined, with the nearest places.")
    scene.command(BOB, BREAD)
    scene.answer(_has_buttons)


def _outage(scene: _Scene) -> None:
    scene.heading("The service is down", "One clear message; the bot goes on.")
    scene.command(ALICE, "How do I draw a cube?")
    scene.answer(lambda message: "cannot be reached" in message["content"])


def _has_buttons(message: dict[str, Any]) -> bool:
    return bool(message["components"])


# --- as a page -----------------------------------------------------------------------------------


def _said(name: str, html: str, *, app: bool = False) -> str:
    badge = "<span class=app>APP</span>" if app else ""
    return (
        f"<div class=message><div class='avatar {name.lower()}'>{name[0].upper()}</div>"
        f"<div class=body><div class=name>{name}{badge}</div>{html}</div></div>"
    )


def _shown(message: dict[str, Any], files: dict[str, bytes]) -> str:
    pictures = "".join(
        f"<img alt={escape(name)!r} src='data:image/png;base64,{base64.b64encode(content).decode()}'>"
        for name, content in files.items()
    )
    pressed = "".join(
        f"<span class=button>{escape(_icon(message, label))} {label}</span>" for label in _labels(message)
    )
    return _markdown(message["content"]) + pictures + (f"<div class=buttons>{pressed}</div>" if pressed else "")


def _labels(message: dict[str, Any]) -> list[str]:
    return list(buttons(message)) if message["components"] else []


def _icon(message: dict[str, Any], label: str) -> str:
    items = [each for row in message["components"] for each in row["components"]]
    return next(each["emoji"]["name"] for each in items if each["label"] == label)


def _form(modal: dict[str, Any], given: str) -> str:
    label = modal["components"][0]["label"]
    return f"<div class=form><b>{escape(modal['title'])}</b><label>{escape(label)}</label><p>{escape(given)}</p></div>"


def _markdown(text: str) -> str:
    """Return the HTML of what Discord shows for a text: its blocks, lists, small print and inline markup."""
    return "".join(
        f"<pre>{escape(block.text)}</pre>" if isinstance(block, Code) else "".join(map(_line, block.text.split("\n")))
        for block in parse(text)
    )


def _line(line: str) -> str:
    if line.startswith("-# "):
        return f"<div class=small>{_MARKDOWN.renderInline(line[3:])}</div>"
    if line.startswith("- "):
        return f"<div class=item>• {_MARKDOWN.renderInline(line[2:])}</div>"
    return f"<div>{_MARKDOWN.renderInline(line)}</div>" if line.strip() else "<div class=gap></div>"


def transcript() -> str:
    """Play the scenes, and return the page."""
    with local_discord() as discord:
        scene = _Scene(discord)
        with running(_Told()) as api, bot_running(discord, str(api.base_url)):
            for play in (_conversation, _picture, _declined):
                play(scene)
        with bot_running(discord, f"http://127.0.0.1:{free_port()}"):
            _outage(scene)
        assert discord.refused == []
    about = " ".join((__doc__ or "").split("\n\n", 1)[1].split())
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>What people on Discord see</title><style>{STYLE}</style><main><h1>What people on Discord see</h1>"
        f"<p class=about>{escape(about)}</p>{''.join(scene.parts)}</main></html>\n"
    )


if __name__ == "__main__":
    with redirect_stdout(sys.stderr):  # the service says where it listens
        made = transcript()
    sys.stdout.write(made)
