"""One model of the transformers library and the one thread that runs it; importing this module imports torch.

`generate` can't be interrupted, and its own iterator hangs when it fails. Here a hook before each of the model's layers
looks whether anybody still waits, so that reading a prompt ends within a layer and writing within a token.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

import torch
from msgspec import Meta, Struct
from transformers import PreTrainedModel
from transformers.generation.streamers import BaseStreamer
from transformers.modeling_layers import GradientCheckpointingLayer

from agent.errors import Cancelled, ModelUnavailable
from agent.providers.llms.vocabulary import Vocabulary
from agent.providers.llms.wording import Wording


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """What one answer may be told.

    Attributes:
        max_tokens: longest answer in tokens.
        temperature: 0 for the likeliest words; above it, others are drawn.
        top_p: share of the likeliest words to draw from, 0 to 1.
        seed: of what is drawn; None draws anew each time.
        stop: strings that end the answer.
    """

    max_tokens: Annotated[int, Meta(ge=1)]
    temperature: Annotated[float, Meta(ge=0)] = 0.0
    top_p: Annotated[float, Meta(gt=0, le=1)] = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()


class Said(Struct, frozen=True):
    """Some text, or the end.

    Attributes:
        finish_reason: None until the last one; then `stop`, or `length` where the answer was cut.
        completion_tokens: how many there were so far.
    """

    text: str
    completion_tokens: int
    finish_reason: str | None = None


Deliver = Callable[[Said | Exception], object]
"""Takes what was said, and at last the reason for the end or an error; called in the model's thread."""


class _Ended(Exception):
    """Nothing more is wanted."""


class Speaker:
    """Writes answers one after another; the next ones wait for their turn.

    Args:
        model: a causal language model.
        vocabulary: what its tokenizer knows.
    """

    def __init__(self, model: PreTrainedModel, vocabulary: Vocabulary) -> None:
        self._model: Any = model  # `generate` is typed as what it is not
        self._vocabulary = vocabulary
        self._end_ids = _end_ids(model, vocabulary)
        self._thread = ThreadPoolExecutor(1, "llm")
        self._turn = threading.Event()  # set where what is written now is not wanted any more
        self._waiting: set[threading.Event] = set()
        for layer in model.modules():
            if layer is model or isinstance(layer, GradientCheckpointingLayer):  # the base of all decoder layers
                layer.register_forward_pre_hook(self._look)

    def say(self, prompt: Sequence[int], options: Options, deliver: Deliver) -> Callable[[], None]:
        """Have an answer written; return what withdraws it, at any time.

        Raises:
            ModelUnavailable: the speaker was closed.
        """
        withdrawn = threading.Event()
        self._waiting.add(withdrawn)
        try:
            self._thread.submit(self._speak, list(prompt), options, deliver, withdrawn)
        except RuntimeError as error:
            raise ModelUnavailable("The model was closed.", remedy="Start the service again.") from error
        return withdrawn.set

    def close(self) -> None:
        """Withdraw all answers and wait for the thread to end, which takes a layer's time."""
        for withdrawn in tuple(self._waiting):
            withdrawn.set()
        self._thread.shutdown()

    def _speak(self, prompt: list[int], options: Options, deliver: Deliver, withdrawn: threading.Event) -> None:
        self._turn = withdrawn
        try:
            self._look()
            self._generate(prompt, options, deliver)
        except _Ended:
            deliver(Cancelled("The answer was withdrawn."))
        except Exception as error:  # noqa: BLE001 - the reader's thread raises it, translated
            deliver(error)
        finally:
            self._waiting.discard(withdrawn)
            self._turn = threading.Event()  # the model itself may be used by others

    def _generate(self, prompt: list[int], options: Options, deliver: Deliver) -> None:
        wording = Wording(self._vocabulary.text, options.stop)
        streamer = _Streamer(wording, self._end_ids, deliver)
        if options.seed is not None:
            torch.manual_seed(options.seed)
        ids = torch.tensor([prompt], device=self._model.device)
        with contextlib.suppress(_Spoken):
            self._model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                streamer=streamer,
                max_new_tokens=options.max_tokens,
                eos_token_id=self._end_ids or None,
                pad_token_id=self._end_ids[0] if self._end_ids else None,  # one answer is never padded
                num_beams=1,  # beams can't be streamed
                **_drawing(options),
            )
        finish = "stop" if streamer.ended or wording.stopped else "length"
        deliver(Said(wording.rest(), streamer.count, finish))

    def _look(self, *_: object) -> None:
        if self._turn.is_set():
            raise _Ended


class _Spoken(Exception):
    """A stop string came."""


class _Streamer(BaseStreamer):
    """Takes the tokens of one answer from `generate`, which gives it the prompt first."""

    def __init__(self, wording: Wording, end_ids: Collection[int], deliver: Deliver) -> None:
        self._wording = wording
        self._end_ids = frozenset(end_ids)
        self._deliver = deliver
        self._prompt_came = False
        self.count = 0
        self.ended = False

    def put(self, value: torch.Tensor) -> None:
        """Take the prompt, and then each token."""
        if not self._prompt_came:
            self._prompt_came = True
            return
        token = int(value)
        self.count += 1
        self.ended = token in self._end_ids
        if not self.ended and (text := self._wording.add(token)):
            self._deliver(Said(text, self.count))
        if self._wording.stopped:
            raise _Spoken

    def end(self) -> None:
        """Do nothing: `_generate` knows more about the end."""


def _drawing(options: Options) -> dict[str, Any]:
    """Return how words are chosen; what the model's own files say of it would speak against the options."""
    if options.temperature <= 0:
        return {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
    return {"do_sample": True, "temperature": options.temperature, "top_p": options.top_p, "top_k": 0}


def _end_ids(model: PreTrainedModel, vocabulary: Vocabulary) -> list[int]:
    """Return the tokens that end an answer: those that the model names, and the one that its chats are written with."""
    named = model.generation_config.eos_token_id
    ends = {named} if isinstance(named, int) else set(named or ())
    written = vocabulary.reply_end()
    return sorted(ends if written is None else ends | {written})
