"""The program of the child process that holds the model: llama.cpp's HTTP server until standard input ends.

It runs as a script of its own and imports nothing of this project, so that it starts at once.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any

BATCH = 128
"""Prompt tokens read between two looks at whether the client is still there.

The server can't interrupt a batch: of 2,048 tokens, its default, a withdrawn prompt would be read to the end. On two
cores a batch of 128 lasts 1.7 s and reads 77 tokens/s; 64 and 32 read 62 and 57, and 512 reads 82.
"""


def configure(parameters: Any, config: dict[str, Any]) -> None:
    """Set xllamacpp's parameters from `LlamaServer`'s configuration."""
    parameters.model.path = config["weights"]
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.api_keys = [config["key"]]
    parameters.n_ctx = config["context"]
    parameters.n_parallel = 1
    parameters.n_batch = parameters.n_ubatch = BATCH
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = config["threads"]
    # Repacked weights write a fifth faster, but read a fifth slower, take 600 MB more and load twice as long.
    parameters.no_extra_bufts = True
    parameters.cache_ram_mib = 0  # copies of old prompts; the prefix shared with the last prompt is kept anyway
    parameters.warmup = False
    parameters.sse_ping_interval = 1  # seconds between looks at a connection whose request waits for its turn
    parameters.verbosity = 0
    parameters.ui = parameters.endpoint_slots = False


def main() -> None:
    """Read the configuration from the first line of standard input, write the address, serve until its end."""
    xllamacpp: Any = importlib.import_module("xllamacpp")  # untyped, and loads a native library

    config = json.loads(sys.stdin.readline())
    parameters = xllamacpp.CommonParams()
    configure(parameters, config)
    server = xllamacpp.Server(parameters)
    print(server.listening_address, flush=True)  # noqa: T201 - the parent reads it
    sys.stdin.read()
    os._exit(0)  # the server's destructor would wait for running requests; nothing is left to save


if __name__ == "__main__":
    main()
