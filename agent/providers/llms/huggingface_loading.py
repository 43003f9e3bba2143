"""A chat model of the transformers library, loaded from a directory; importing this module imports torch.

Nothing is downloaded here, no code that comes with a model is run, and weights are safetensors or GGUF.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import psutil
import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from agent.errors import MissingExtra, ModelUnavailable
from agent.providers.processor import has_bfloat16
from agent.providers.transformers_talk import first_line, quiet
from agent.settings import Settings

_BITS = {"8bit": 8, "4bit": 4}
_LESS = "Set FURY_AGENT_LLM_QUANTIZATION=4bit or a smaller FURY_AGENT_LLM_MODEL; the GGUF of phi-3 takes 3 GB with \
FURY_AGENT_LLM=embedded."
_NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")


def load(weights: Path, settings: Settings) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Return model and tokenizer.

    Args:
        weights: a model's directory, or a GGUF file, which is unpacked to full size in memory.
        settings: device, precision and quantization.

    Raises:
        MissingExtra: quantization is asked for, and bitsandbytes is not installed.
        ModelUnavailable: it cannot be loaded, is no chat model, or is larger than the free memory.
    """
    directory = weights if weights.is_dir() else weights.parent
    source: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    source |= {"use_safetensors": True} if weights.is_dir() else {"gguf_file": weights.name}
    device = _device(settings)
    precision = _precision(settings, device)
    quantization = _quantization(settings)
    try:
        with quiet():
            if weights.is_dir() and device == "cpu":
                _require_memory(directory, _bits(settings, precision))
            tokenizer = AutoTokenizer.from_pretrained(directory, **source)
            model = AutoModelForCausalLM.from_pretrained(
                directory, dtype=precision, device_map=device, **quantization, **source
            )
    except Exception as error:  # what a broken model makes the libraries raise has no common base
        if is_out_of_memory(error):
            raise ModelUnavailable(f"There is not enough memory for {str(weights)!r}.", remedy=_LESS) from error
        raise ModelUnavailable(
            f"The language model in {str(weights)!r} cannot be loaded: {first_line(error)}.",
            remedy="Expected a causal language model that transformers knows itself, with its tokenizer: config.json, "
            "tokenizer.json, model.safetensors; or a GGUF file. Code that comes with a model is not run.",
        ) from error
    if not tokenizer.chat_template:
        raise ModelUnavailable(
            f"{str(weights)!r} is no chat model: its tokenizer has no chat template.",
            remedy="Choose one that was made for chats; their names often end in -Instruct or -it.",
        )
    return model.eval(), tokenizer


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory, of the GPU or of the machine, was too small."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _NO_MEMORY)


def _device(settings: Settings) -> str:
    """Return what `device_map` understands: one device, or `auto`, which spreads a model over all GPUs."""
    if settings.llm_device != "auto":
        return settings.llm_device
    return "auto" if torch.cuda.is_available() else "cpu"


def _precision(settings: Settings, device: str) -> str | torch.dtype:
    if settings.llm_precision != "auto":
        return getattr(torch, settings.llm_precision)
    if settings.llm_quantization == "8bit":
        return torch.float16  # which LLM.int8() computes in, whatever it is given (Dettmers et al., 2022)
    if device != "cpu":
        return "auto"
    return torch.bfloat16 if has_bfloat16() else torch.float32


def _quantization(settings: Settings) -> dict[str, Any]:
    if settings.llm_quantization == "none":
        return {}
    if importlib.util.find_spec("bitsandbytes") is None:
        raise MissingExtra(
            f"FURY_AGENT_LLM_QUANTIZATION={settings.llm_quantization} needs bitsandbytes, which is not installed.",
            remedy="Run `pip install 'fury-agent[quantized]'`.",
        )
    four = settings.llm_quantization == "4bit"
    # NF4 is made for weights that are spread like a normal distribution (Dettmers et al., QLoRA, 2023).
    config = BitsAndBytesConfig(load_in_4bit=four, load_in_8bit=not four, bnb_4bit_quant_type="nf4")
    return {"quantization_config": config}


def _bits(settings: Settings, precision: str | torch.dtype) -> int:
    assert isinstance(precision, torch.dtype)  # on a CPU it always is
    return _BITS.get(settings.llm_quantization, precision.itemsize * 8)


def _require_memory(directory: Path, bits: int) -> None:
    """Refuse a model that does not fit: Linux gives memory that it does not have, and kills who uses it.

    Raises:
        MemoryError: it does not fit.
    """
    config = AutoConfig.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
    stored = getattr(config, "dtype", None) or torch.float32
    size = sum(path.stat().st_size for path in directory.glob("*.safetensors"))
    if size / (stored.itemsize * 8) * bits > psutil.virtual_memory().available:
        raise MemoryError
