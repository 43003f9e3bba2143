"""What a tokenizer of the transformers library knows: tokens, how chats are written, and what ends a reply."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from jinja2.exceptions import TemplateError
from llama_index.core.base.llms.types import ChatMessage, MessageRole

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_REPLY = "reply"


class Vocabulary:
    """A tokenizer with a chat template; thread-safe, which fast tokenizers are not."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer: Any = tokenizer  # its methods are typed as what they are not
        self._lock = threading.Lock()

    def tokens(self, text: str) -> list[int]:
        """Return a text's tokens, without those that mark its beginning and end."""
        with self._lock:
            return list(self._tokenizer.encode(text, add_special_tokens=False))

    def text(self, ids: Sequence[int]) -> str:
        """Return the text of tokens, without the special ones."""
        with self._lock:
            return str(self._tokenizer.decode(list(ids), skip_special_tokens=True))

    def written(self, messages: Sequence[ChatMessage]) -> str:
        """Return a chat that the assistant continues, as the model's template writes it."""
        return self._written(messages, continued=True)

    def prompt(self, messages: Sequence[ChatMessage]) -> list[int]:
        """Return the tokens of such a chat."""
        return self.tokens(self.written(messages))

    def reply_end(self) -> int | None:
        """Return the token that the chat template writes after a reply; not all models name it among their ends."""
        said = [ChatMessage(role=role, content=_REPLY) for role in (MessageRole.USER, MessageRole.ASSISTANT)]
        try:
            _, found, after = self._written(said, continued=False).rpartition(_REPLY)
        except TemplateError:
            return None
        special = self._tokenizer.get_added_vocab() if found else {}
        return next((number for token, number in special.items() if after.lstrip().startswith(token)), None)

    def _written(self, messages: Sequence[ChatMessage], *, continued: bool) -> str:
        said = [{"role": message.role.value, "content": message.content or ""} for message in messages]
        try:
            return self._apply(said, continued=continued)
        except TemplateError:
            if len(said) == 1 or said[0]["role"] != MessageRole.SYSTEM.value:
                raise
        # Some models (Gemma, the first Mistrals) know no system role: the user says it, as their makers advise.
        system, first, *others = said
        return self._apply(
            [{**first, "content": f"{system['content']}\n\n{first['content']}"}, *others], continued=continued
        )

    def _apply(self, said: list[dict[str, str]], *, continued: bool) -> str:
        with self._lock:
            return str(self._tokenizer.apply_chat_template(said, tokenize=False, add_generation_prompt=continued))
