"""What this machine's processor can do; importing this module imports torch."""

from __future__ import annotations

import torch


def has_bfloat16() -> bool:
    """Whether this CPU has instructions for bfloat16; without them it is slower than float32."""
    if not hasattr(torch.cpu, "get_capabilities"):  # came after the oldest torch that is supported
        return False
    return any(value is True and name.endswith("bf16") for name, value in torch.cpu.get_capabilities().items())
