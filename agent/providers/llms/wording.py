"""Token ids of an answer in, text that is sure out: no half characters, and nothing of a stop string."""

from __future__ import annotations

from collections.abc import Callable, Sequence

_HALF = "\N{REPLACEMENT CHARACTER}"
"""What a decoder writes for a character whose last bytes are still to come."""


class Wording:
    """The text of one answer, token by token.

    Args:
        decode: ids -> text, as the model's tokenizer does.
        stops: strings that end the answer; neither they nor what follows is given out.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str], stops: Sequence[str] = ()) -> None:
        self._decode = decode
        self._stops = tuple(stop for stop in stops if stop)
        self._ids: list[int] = []
        self._start = 0  # a token's text depends on those before it: `_decode` gets what came from here on
        self._end = 0
        self._held = ""
        self.stopped = False
        """Whether a stop string came."""

    def add(self, token: int) -> str:
        """Take in a token; return what is sure now."""
        self._ids.append(token)
        text = self._new()
        if text.endswith(_HALF):
            return ""
        self._start, self._end = self._end, len(self._ids)
        return self._before_stop(self._held + text)

    def rest(self) -> str:
        """Return what was held back, once nothing more comes."""
        if self.stopped:
            return ""
        text, self._end = self._held + self._new(), len(self._ids)
        text = self._before_stop(text)
        rest, self._held = text + self._held, ""
        return rest

    def _new(self) -> str:
        known = self._decode(self._ids[self._start : self._end])
        return self._decode(self._ids[self._start :])[len(known) :]

    def _before_stop(self, text: str) -> str:
        """Return the text before a stop string; what may be the beginning of one is held back."""
        places = [place for stop in self._stops if (place := text.find(stop)) >= 0]
        self.stopped = bool(places)
        sure = min(places) if places else len(text) - self._possible(text)
        self._held = "" if places else text[sure:]
        return text[:sure]

    def _possible(self, text: str) -> int:
        """Return the length of the longest end of `text` that begins a stop string."""
        longest = max(map(len, self._stops), default=1) - 1
        return next((n for n in range(min(longest, len(text)), 0, -1) if self._begins(text[-n:])), 0)

    def _begins(self, end: str) -> bool:
        return any(stop.startswith(end) for stop in self._stops)
