"""Answers that are kept to be given again, in this process and, where there is one, in a Redis that replicas share.

An answer is found by all that it was made from, the generation of the index among it: a kept answer is never older
than the index. It holds no ids and nothing of who asked.
"""

from __future__ import annotations

import hashlib
import threading
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import msgspec
from cachetools import TTLCache

from agent import __version__, prompts
from agent.answering.correction import NOT_RUN
from agent.redis_link import RedisDown, RedisLink
from agent.schema import Answer, AnswerEvent, Event, QueryRequest, SourcesEvent, TokenEvent
from agent.settings import Settings

LAYOUT = 1
"""To be raised when what is kept changes its form or its meaning."""
FRESH = 0.1
"""Seconds for which an answer is given again without a look at what it was made from: an index that was switched, or a
version that was added, counts no later than that."""
_INDIFFERENT = {
    *("data_dir", "host", "port", "concurrency", "queue_size", "max_body_bytes", "heartbeat"),
    *("shutdown_grace", "redis_url", "require_keys", "trusted_proxies", "llm_threads"),
}
_INDIFFERENT_GROUPS = ("discord_", "record", "judge_", "limit_", "cache_", "log_", "otel_")
"""Settings that change no answer. One that is not named here parts the answers, which costs little; the other way
round, an answer would be given that the settings forbid."""

_decode = msgspec.json.Decoder(tuple[Event, ...]).decode


class AnswerCache:
    """Keeps the events of answers; thread-safe.

    Args:
        settings: how many are kept and for how long, where Redis is, and everything that an answer depends on.
    """

    def __init__(self, settings: Settings) -> None:
        self._seconds = settings.cache_seconds
        self._wanted = settings.cache_answers > 0
        self._runs_code = settings.sandbox != "none"
        self._redis = RedisLink(settings.redis_url) if settings.redis_url is not None else None
        self._near: TTLCache[str, bytes] = TTLCache(settings.cache_answers, settings.cache_seconds)
        self._lately: TTLCache[tuple[object, ...], Answer] = TTLCache(settings.cache_answers, FRESH)
        self._lock = threading.Lock()
        self._made_with = _fingerprint(settings)

    def key(self, request: QueryRequest, library: str, version: str, generation: str) -> str:
        """Return what is equal for questions that get the same answer, if only their author differs.

        Args:
            request: as it is answered: a follow-up is made whole, and so its conversation does not matter.
            library: name of the library.
            version: its version.
            generation: name of the index's generation that is served.
        """
        made_from = (normal(request.question), request.top_k, library, version, generation, self._made_with)
        return hashlib.sha256(msgspec.json.encode(made_from)).hexdigest()

    def get(self, key: str) -> tuple[Event, ...]:
        """Return the events of a kept answer, an `AnswerEvent` last, or none."""
        if not self._wanted:
            return ()
        with self._lock:
            found = self._near.get(key)
        if found is None:
            found = self._try(lambda redis: redis.client.get(_name(key)))
        try:
            events = _decode(found) if isinstance(found, bytes) else ()
        except msgspec.DecodeError:  # an older program wrote it
            return ()
        return events if events and isinstance(events[-1], AnswerEvent) else ()

    def remember(self, request: QueryRequest, answer: Answer) -> None:
        """Let `recall` give an answer that `get` has just found, to whoever asks the same within `FRESH` seconds."""
        with self._lock:
            self._lately[_asked(request)] = answer

    def recall(self, request: QueryRequest) -> Answer | None:
        """Return what the same request was answered a moment ago; takes microseconds."""
        with self._lock:
            return self._lately.get(_asked(request))

    def keeping(self, key: str, events: Iterator[Event], model: Callable[[], str | None]) -> Iterator[Event]:
        """Yield the events of an answer, and keep them if it is one to be given again.

        Args:
            key: see `key`.
            events: the answer's last.
            model: says what should have written it, once it is written: the word of a fallback is not kept.
        """
        told: list[Event] = []
        for event in events:
            told.append(event)
            if isinstance(event, AnswerEvent) and event.answer.model in {None, model()} and self._lasts(event.answer):
                self._put(key, told)
            yield event

    def problem(self) -> str:
        """Say why Redis is done without, or return an empty string; asks it, and so may take a second."""
        return self._redis.problem() if self._redis is not None else ""

    def _lasts(self, answer: Answer) -> bool:
        """Return whether it is worth keeping: nothing failed, and no code was left unrun that another try may run."""
        checked = answer.verification
        if not self._wanted:
            return False
        unrun = self._runs_code and checked.ran is None and NOT_RUN in (checked.unchecked or "")
        return answer.status != "sources_only" and not unrun

    def _put(self, key: str, told: Sequence[Event]) -> None:
        value = msgspec.json.encode(_merged(told))
        with self._lock:
            self._near[key] = value
        self._try(lambda redis: redis.client.set(_name(key), value, ex=self._seconds))

    def _try(self, command: Callable[[RedisLink], object]) -> object:
        if self._redis is None or not self._redis.usable:
            return None
        with suppress(RedisDown), self._redis.attempt():
            return command(self._redis)
        return None


def normal(question: str) -> str:
    """Return a question without differences that mean nothing: spaces, and how a character is composed.

    Case stays, since `Scene` and `scene` are two names; so do the lines of a question that has several, which may be
    code.
    """
    text = unicodedata.normalize("NFC", question.strip())
    return text if "\n" in text else " ".join(text.split())


def _asked(request: QueryRequest) -> tuple[object, ...]:
    return request.question, request.library, request.version, request.top_k


def _merged(told: Sequence[Event]) -> tuple[Event, ...]:
    """Return the same events with the draft in one piece."""
    draft = "".join(event.text for event in told if isinstance(event, TokenEvent))
    sources = [event for event in told if isinstance(event, SourcesEvent)]
    return (*sources, *([TokenEvent(draft)] if draft else []), told[-1])


def _fingerprint(settings: Settings) -> str:
    """Return what is equal for programs that write the same answers from the same index."""
    values = settings.model_dump(mode="json", exclude=_INDIFFERENT)
    meant = {name: value for name, value in values.items() if not name.startswith(_INDIFFERENT_GROUPS)}
    texts = (prompts.SYSTEM, prompts.QUESTION, prompts.ANSWER, prompts.PROGRAM, prompts.CORRECTION)
    made_with = msgspec.json.encode((LAYOUT, __version__, texts, meant), order="sorted")
    return hashlib.sha256(made_with).hexdigest()


def _name(key: str) -> str:
    return f"fury-agent:answer:{key}"
