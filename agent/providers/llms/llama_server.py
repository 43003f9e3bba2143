"""llama.cpp's HTTP server in a child process: started when first needed, gone with this process at the latest.

xllamacpp could run it inside this process, but holds the interpreter's lock while it loads and while it stops (seconds
to half a minute under load), and crashes an interpreter that ends while a request runs. A child can simply be killed,
and what crashes it leaves the service alive.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import secrets
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path

from agent.errors import MissingExtra, ModelTimeout, ModelUnavailable
from agent.providers.llms import llama_process
from agent.settings import child_environment

START_TIMEOUT = 120.0  # seconds; a slow disk loads several GB in that time


def require_xllamacpp() -> None:
    """Do nothing if xllamacpp is installed.

    Raises:
        MissingExtra: it is not.
    """
    if importlib.util.find_spec("xllamacpp") is None:
        raise MissingExtra(
            "The embedded LLM needs the package xllamacpp, which is not installed.",
            remedy="Run `pip install 'fury-agent[embedded]'`, or set FURY_AGENT_LLM to 'openai-like' or 'none'.",
        )


class LlamaServer:
    """One model on 127.0.0.1, on a free port, behind a random key; thread-safe.

    Requests beyond the first wait inside the server for its one slot.

    Args:
        weights: the GGUF file.
        threads: threads that compute; 0 means all cores of this process.
        context: context window in tokens.
        start_timeout: seconds that loading the model may take.
        program: the Python script that serves; it speaks as `llama_process` does.
    """

    def __init__(
        self,
        weights: Path,
        *,
        threads: int = 0,
        context: int = 4096,
        start_timeout: float = START_TIMEOUT,
        program: str = llama_process.__file__,
    ) -> None:
        self.key = secrets.token_urlsafe(32)
        self._weights = weights
        self._config = {
            "weights": str(weights),
            "key": self.key,
            "context": context,
            "threads": threads or _cores(),
        }
        self._start_timeout = start_timeout
        self._program = program
        self._turn = threading.Lock()  # held while the model loads, so that it loads once; taken before `_lock`
        self._lock = threading.Lock()  # guards the two below, and never waits for a model: `close` needs it
        self._process: subprocess.Popen[str] | None = None
        self._address = ""

    def address(self) -> str:
        """Return `http://127.0.0.1:PORT`, starting the server first if it doesn't run.

        Raises:
            MissingExtra: xllamacpp is not installed.
            ModelTimeout: loading the weights took too long.
            ModelUnavailable: the weights could not be loaded, or `close` was called meanwhile.
        """
        with self._turn:
            with self._lock:
                if self._address and self._process is not None and self._process.poll() is None:
                    return self._address
                self._close()
                process = self._process = self._start()
            return self._loaded(process)

    def close(self) -> None:
        """Stop the server and abort what it is doing, be it loading; the next `address` would start it again."""
        with self._lock:
            self._close()

    def discard(self, address: str) -> bool:
        """Stop the server at `address`, which broke a connection before it answered; return whether to ask again.

        That is of no use after `close`: the connection was broken on purpose.
        """
        with self._lock:
            if self._address == address:
                self._close()
                return True
            return self._process is not None  # another request has had it restarted

    def _close(self) -> None:
        if self._process is not None:
            _kill(self._process)
        self._process, self._address = None, ""

    def _start(self) -> subprocess.Popen[str]:
        require_xllamacpp()
        process = subprocess.Popen(
            [sys.executable, "-P", self._program],
            stdin=subprocess.PIPE,  # its end is how the child learns that this process is gone, whatever the way
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # llama.cpp's own noise
            env=child_environment(),
            text=True,
            start_new_session=True,  # Ctrl-C is for us; we stop the child ourselves
        )
        weakref.finalize(self, _kill, process)  # at exit, or when nobody holds this object any more
        return process

    def _loaded(self, process: subprocess.Popen[str]) -> str:
        """Wait until the child serves, and return where."""
        started = time.monotonic()
        address = self._introduce(process)
        with self._lock:
            if self._process is not process:
                raise ModelUnavailable("llama.cpp was stopped while it loaded the model.", remedy="Ask again later.")
            if address:
                self._address = address
                return address
            self._close()
        if time.monotonic() - started >= self._start_timeout:
            raise ModelTimeout(
                f"llama.cpp did not load {str(self._weights)!r} within {self._start_timeout:g} seconds.",
                remedy="Ask again; if that is of no use, a smaller FURY_AGENT_LLM_MODEL loads faster.",
            )
        raise ModelUnavailable(
            f"llama.cpp could not load {str(self._weights)!r}: expected a GGUF file and enough memory for it.",
            remedy="`fury-agent doctor` checks the weights; a smaller FURY_AGENT_LLM_CONTEXT needs less memory.",
        )

    def _introduce(self, process: subprocess.Popen[str]) -> str:
        """Tell the child what to serve, and return where it does, or an empty string if it ended or was killed."""
        if process.stdin is None or process.stdout is None:
            return ""
        deadline = threading.Timer(self._start_timeout, process.kill)  # which ends the wait for its first line
        deadline.daemon = True
        deadline.start()
        try:
            process.stdin.write(json.dumps(self._config) + "\n")
            process.stdin.flush()
            return process.stdout.readline().strip()
        except (BrokenPipeError, ValueError):  # it ended before it read, or `close` has closed the pipes
            return ""
        finally:
            deadline.cancel()


def _kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):  # what it had not read no longer matters
                pipe.close()


def _cores() -> int:
    """Return the number of cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
