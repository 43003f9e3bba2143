"""All settings, and the only place that reads the environment.

A field `llm_threads` is set by the variable `FURY_AGENT_LLM_THREADS`, by `llm_threads = 2` in `fury-agent.toml` in the
working directory, or by the caller; the caller wins over the environment, which wins over the file.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from platformdirs import user_data_path
from pydantic import AfterValidator, Field, IPvAnyNetwork, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from agent.errors import ConfigurationError

PREFIX = "FURY_AGENT_"
CONFIG_FILE = "fury-agent.toml"

LlmProvider = Literal["embedded", "huggingface", "openai-like", "none"]
EmbeddingProvider = Literal["local", "openai-like", "tei"]
StoreProvider = Literal["lancedb", "pinecone"]
Precision = Literal["auto", "float32", "bfloat16"]
PHI_3 = "microsoft/Phi-3-mini-4k-instruct"


def _written(pattern: str, expected: str) -> AfterValidator:
    """Return a check that tells what is expected, which a pattern's own message does not."""

    def check(value: str) -> str:
        if re.fullmatch(pattern, value) is None:
            raise ValueError(f"should be {expected}")
        return value

    return AfterValidator(check)


Url = Annotated[str, _written(r"https?://[^\s/]\S*", "a URL that begins with http:// or https://")]
_RATE = r" *[1-9]\d{0,5} */ *([1-9]\d{0,3} )?(second|minute|hour|day)s? *"
Rates = Annotated[str, _written(f"{_RATE}(,{_RATE})*", "such as 20/minute, or 5/10 seconds, 200/day")]
"""`20/minute`, `5/10 seconds`, or several with commas between them."""


class Settings(BaseSettings):
    """Frozen settings; every default works on a laptop without a key, a GPU or a model hub."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        toml_file=CONFIG_FILE,
        frozen=True,
        extra="forbid",
        env_ignore_empty=True,
        hide_input_in_errors=True,
    )

    # where things are
    data_dir: Path = Field(
        default_factory=lambda: user_data_path("fury-agent", appauthor=False),
        description="Directory of weights, sources, indexes and records; made when first needed.",
    )
    library: str = Field(
        default="fury==2.0.0", description="SPEC of the default library: NAME==VERSION, git+URL@REF or a folder."
    )

    # sources
    source_exclude: tuple[str, ...] = Field(
        default=(
            "**/tests/**",
            "**/test_*.py",
            "**/*_test.py",
            "**/conftest.py",
            "**/posts/**",
            "**/blog/**",
            "**/_vendor/**",
            "**/vendor/**",
            "**/vendored/**",
            "**/node_modules/**",
            "build/**",
            "dist/**",
            "**/_build/**",
            "**/*.min.*",
            "**/_version.py",
            "**/*_pb2.py",
            "**/requirements*.txt",
            "**/robots.txt",
            "**/LICENSE.txt",
        ),
        description="Glob patterns of files to leave out, relative to the repository root.",
    )
    source_include: tuple[str, ...] = Field(
        default=(
            "**/*.py",
            "**/*.pyi",
            "**/*.pyx",
            "**/*.rst",
            "**/*.md",
            "doc/**/*.txt",
            "docs/**/*.txt",
            "**/*.wgsl",
            "**/*.glsl",
            "pyproject.toml",
        ),
        description="Glob patterns of files to keep, after the exclusions.",
    )
    source_example_dirs: tuple[str, ...] = Field(
        default=("examples", "tutorials", "gallery", "demos"),
        description="Names of directories that hold example scripts.",
    )
    source_max_file_bytes: int = Field(default=1_000_000, gt=0, description="Larger files are left out.")
    source_max_archive_bytes: int = Field(
        default=2_000_000_000, gt=0, description="Limit on an archive's unpacked size."
    )
    source_max_archive_files: int = Field(default=100_000, gt=0, description="Limit on an archive's number of members.")
    source_url_template: str | None = Field(
        default=None,
        description="Link to lines, with {path}, {start} and {end}; taken from the project's own URLs where not set.",
    )
    network_timeout: float = Field(
        default=60.0, gt=0, description="Seconds to wait for a package index or a git server."
    )

    # embedding
    embedding_model: str = Field(
        default="all-MiniLM-L6-v2",
        description="A name of the weights catalogue, a directory in sentence-transformers' layout, or the id of one "
        "on the hub, as alibaba-nlp-community/gte-large-en-v1.5 (docs/phi-3.md).",
    )
    embedding_batch: int = Field(default=32, ge=1, le=1024, description="Texts embedded at once.")
    embedding_precision: Precision = Field(
        default="auto",
        description="Numbers that the embedding model computes with; auto takes bfloat16 where the CPU has "
        "instructions for it: half the time, and vectors whose cosine with float32's is above 0.9995.",
    )
    embedding_device: str = Field(default="cpu", description="Where it computes: cpu, cuda, cuda:1, mps.")
    embedding_pooling: Literal["auto", "cls", "mean", "lasttoken"] = Field(
        default="auto",
        description="How the vectors of tokens become one; auto does as the model's own files say.",
    )
    embedding_query_prefix: str | None = Field(
        default=None,
        description="Written before each question; by default what the files of a model in this process say, "
        "and nothing for a served one.",
    )
    embedding_passage_prefix: str | None = Field(
        default=None,
        description="Written before each passage; by default what the files of a model in this process say, "
        "and nothing for a served one.",
    )

    # served embedding
    embedding: EmbeddingProvider = Field(
        default="local",
        description="Where texts are embedded: in this process, by an OpenAI-compatible server, or by Hugging Face's "
        "text-embeddings-inference.",
    )
    embedding_url: Url | None = Field(
        default=None,
        description="Base URL of that server; an OpenAI-compatible one's ends in /v1. FURY_AGENT_EMBEDDING_MODEL is "
        "then the name that it serves the model under.",
    )
    embedding_key: SecretStr = Field(default=SecretStr("none"), description="API key of that server.")
    embedding_timeout: float = Field(default=30.0, gt=0, description="Seconds to wait for each batch of vectors.")

    # vector store
    store: StoreProvider = Field(
        default="lancedb", description="Where vectors are kept: in the data directory, or in Pinecone."
    )
    pinecone_key: SecretStr | None = Field(default=None, description="API key of the Pinecone project.")
    pinecone_index: str = Field(
        default="fury-agent",
        pattern=r"^[a-z0-9-]{1,45}$",
        description="Name of the Pinecone index; made if there is none. Every generation is a namespace in it.",
    )
    pinecone_cloud: str = Field(default="aws", description="Cloud of a Pinecone index that is made.")
    pinecone_region: str = Field(default="us-east-1", description="Region of a Pinecone index that is made.")
    pinecone_url: str = Field(default="https://api.pinecone.io", description="Address of Pinecone's control plane.")
    pinecone_timeout: float = Field(
        default=60.0,
        gt=0,
        description="Seconds for one request with all its repetitions, and for a write to become visible.",
    )

    # retrieval
    top_k: int = Field(default=6, ge=1, le=20, description="Passages given to the LLM.")
    rankings: tuple[Literal["dense", "lexical", "symbol"], ...] = Field(
        default=("dense", "lexical", "symbol"),
        min_length=1,
        description="Rankings that are fused; each can be left out.",
    )
    reranker: str = Field(
        default="none",
        description="A cross-encoder that orders the best places anew: its directory, the address of a server with "
        "text-embeddings-inference's `POST /rerank`, or none.",
    )
    reranker_timeout: float = Field(
        default=5.0, gt=0, description="Seconds to wait for that server; then its opinion is done without."
    )

    abstain: float = Field(
        default=0.63,
        ge=0,
        le=1,
        description="A question whose confidence (docs/abstention.md) is below this is declined before the LLM is "
        "asked; 0 declines none.",
    )

    # llm
    llm: LlmProvider = Field(
        default="embedded",
        description="What answers: an LLM beside this process, a model of the transformers library in this process, "
        "an OpenAI-compatible server, or none.",
    )
    llm_model: str = Field(
        default="qwen2.5-coder-1.5b",
        description="A name of the weights catalogue, a GGUF file, or the served model's name; for `huggingface` also "
        f"a model's directory or its id on the hub, {PHI_3} where not set.",
    )
    llm_url: Url | None = Field(default=None, description="Base URL of the OpenAI-compatible server, ending in /v1.")
    llm_key: SecretStr = Field(default=SecretStr("none"), description="API key of that server.")
    llm_threads: int = Field(default=0, ge=0, description="Threads of the embedded server; 0 means all cores.")
    llm_device: str = Field(
        default="auto",
        description="Where `huggingface` computes: cpu, cuda, cuda:1, mps; auto takes the GPUs if there are any.",
    )
    llm_precision: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="auto",
        description="Numbers that `huggingface` computes with; auto takes the model's own on a GPU, and bfloat16 where "
        "the CPU has instructions for it.",
    )
    llm_quantization: Literal["none", "8bit", "4bit"] = Field(
        default="none", description="Bits of the weights that `huggingface` keeps in memory; needs bitsandbytes."
    )
    llm_context: int = Field(default=4096, ge=512, description="Context window in tokens.")
    llm_max_tokens: int = Field(default=640, ge=16, description="Longest answer in tokens.")
    llm_first_token_timeout: float = Field(default=120.0, gt=0, description="Seconds to wait for the first token.")
    llm_token_timeout: float = Field(default=30.0, gt=0, description="Seconds to wait for each further token.")
    rewrites: bool = Field(
        default=True,
        description="Whether the language model is told what the checks found in its code, and writes it again.",
    )
    prompt_tokens: int = Field(
        default=1200, ge=400, description="Budget of the whole prompt, in the model's own tokens."
    )

    # second LLM, for when the first cannot answer: nothing of the first's is taken over
    fallback_llm: LlmProvider | None = Field(
        default=None, description="As FURY_AGENT_LLM: what answers where the first LLM is down; nothing without."
    )
    fallback_llm_model: str | None = Field(default=None, description="As FURY_AGENT_LLM_MODEL, for the fallback.")
    fallback_llm_url: Url | None = Field(default=None, description="As FURY_AGENT_LLM_URL, for the fallback.")
    fallback_llm_key: SecretStr | None = Field(default=None, description="As FURY_AGENT_LLM_KEY, for the fallback.")
    fallback_after: float = Field(
        default=30.0,
        gt=0,
        description="Seconds that the first LLM has for its first token where there is a fallback.",
    )

    # judge of `python -m evals judge`: what is not set is as for answers
    judge_llm: LlmProvider | None = Field(default=None, description="As FURY_AGENT_LLM, for the judge of the evals.")
    judge_llm_model: str | None = Field(default=None, description="As FURY_AGENT_LLM_MODEL, for the judge.")
    judge_llm_url: Url | None = Field(default=None, description="As FURY_AGENT_LLM_URL, for the judge.")
    judge_llm_key: SecretStr | None = Field(default=None, description="As FURY_AGENT_LLM_KEY, for the judge.")

    # sandbox
    sandbox: Literal["none", "bubblewrap"] = Field(
        default="none",
        description="What runs the code of answers within walls, and that of `fury-agent sandbox run`.",
    )
    sandbox_runs: int = Field(default=1, ge=1, le=64, description="Programs of answers that run at the same time.")
    sandbox_timeout: float = Field(default=60.0, gt=0, description="Seconds after which a run is ended.")
    sandbox_cpu_seconds: int = Field(default=120, ge=1, description="Processor time of each process of a run.")
    sandbox_memory_bytes: int = Field(
        default=2_000_000_000,
        ge=100_000_000,
        description="Memory of a run, without its files in /tmp (256 MB at most).",
    )
    sandbox_processes: int = Field(default=256, ge=8, description="Processes and threads of a run at the same time.")
    sandbox_output_bytes: int = Field(
        default=1_000_000, ge=1_000, description="What a run may print before it is ended."
    )

    # records
    records_url: SecretStr | None = Field(
        default=None,
        description="Database of questions, answers and feedback: sqlite:///FILE or "
        "postgresql://USER:PASSWORD@HOST/NAME; `records.sqlite` in the data directory where not set.",
    )
    records_key: SecretStr | None = Field(
        default=None,
        description="64 hexadecimal digits under which people and questions are hashed, the same on all replicas; "
        "`records.key` in the data directory where not set.",
    )
    record_questions: bool = Field(
        default=True, description="Keep the words of questions, answers and reasons; without, hashes and counts alone."
    )
    records_retention_days: int = Field(default=90, ge=1, description="Days after which records are deleted.")

    # service
    host: str = Field(default="127.0.0.1", description="Address that `serve` listens on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port that `serve` listens on; 0 takes a free one.")
    concurrency: int = Field(default=1, ge=1, description="Questions answered at the same time.")
    queue_size: int = Field(
        default=16, ge=0, description="Questions that may wait; one more gets 503 with Retry-After."
    )
    request_timeout: float = Field(default=300.0, gt=0, description="Seconds after which a question is given up.")
    max_body_bytes: int = Field(
        default=2_500_000,
        gt=0,
        description="Largest request body, in bytes; code that is checked may need 12 for a character.",
    )
    heartbeat: float = Field(default=10.0, gt=0, description="Seconds between heartbeats of a silent event stream.")
    shutdown_grace: float = Field(
        default=5.0, ge=0, description="Seconds that running answers may still take after a signal to stop."
    )

    # what the operator sees
    log_format: Literal["console", "json"] = Field(
        default="console", description="Log lines on stderr: for people, or one JSON object each."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Least important log lines that are written."
    )
    log_questions: bool = Field(default=False, description="Write the words of questions into log lines and traces.")
    otel_endpoint: Url | None = Field(
        default=None,
        description="Base URL of an OpenTelemetry collector (OTLP over HTTP, as http://127.0.0.1:4318); off without.",
    )

    # fairness, and several replicas
    redis_url: SecretStr | None = Field(
        default=None,
        description="Redis that replicas share for limits, answers and the build lock: redis://[:PASSWORD@]HOST:PORT/0.",
    )
    cache_answers: int = Field(
        default=1000,
        ge=0,
        description="Answers that a process keeps to give again; 0 keeps none, in Redis neither.",
    )
    cache_seconds: int = Field(default=86_400, ge=1, description="Seconds after which a kept answer is written anew.")
    limit_questions: Rates | None = Field(
        default=None, description="Questions that one caller may ask, such as 20/minute, 200/day; see docs/limits.md."
    )
    limit_searches: Rates | None = Field(
        default=None, description="Searches and checks of code that one caller may ask for."
    )
    limit_key: Rates | None = Field(
        default=None, description="Requests that may come with one API key, of all its users together."
    )
    require_keys: bool | None = Field(
        default=None, description="Whether requests need an API key; where not set, as soon as one was ever made."
    )
    trusted_proxies: tuple[IPvAnyNetwork, ...] = Field(
        default=(), description="Addresses or networks of proxies whose X-Forwarded-For is believed."
    )

    # other sites
    cors_origins: tuple[Annotated[str, Field(pattern=r"^(\*|https?://[^\s/;,'\"]+)$")], ...] = Field(
        default=(),
        description="Origins (https://docs.example.org) whose pages may call the API and hold the widget; * is any.",
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=(),
        description="Hosts that requests may be addressed to, with the port where one is given "
        "(ask.example.org, 127.0.0.1:8000, *.example.org); any without.",
    )

    # Discord
    discord_token: SecretStr | None = Field(default=None, description="Token of the bot; see docs/discord.md.")
    discord_api_url: Url = Field(
        default="http://127.0.0.1:8000", description="Address of the service that answers what is asked on Discord."
    )
    discord_api_key: SecretStr | None = Field(default=None, description="Sent to that service as a bearer token.")
    discord_guilds: tuple[int, ...] = Field(default=(), description="Ids of the servers to serve; all without any.")
    discord_channels: tuple[int, ...] = Field(
        default=(), description="Ids of the channels in which mentions are answered; all without any."
    )
    discord_threads: bool = Field(
        default=False,
        description="Answer in the bot's own threads, and posts of the forums that moderators chose, without being "
        "mentioned; needs the message content intent.",
    )
    discord_user_daily: int = Field(
        default=50, ge=1, description="Questions of a person a day, in each server; `/setup` sets it for a server."
    )
    discord_guild_daily: int = Field(
        default=1_000, ge=1, description="Questions of a server a day; `/setup` sets it for a server."
    )
    discord_health_port: int | None = Field(
        default=None, ge=1, le=65535, description="Port of the bot's own health and metrics; none without."
    )
    discord_timeout: float = Field(
        default=600.0, gt=0, le=840, description="Seconds after which a question is given up; Discord waits for 900."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings calls by position and name
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Caller, then environment, then `fury-agent.toml`."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @property
    def weights_dir(self) -> Path:
        """Verified model weights."""
        return self.data_dir / "weights"

    @property
    def sources_dir(self) -> Path:
        """Unpacked source trees."""
        return self.data_dir / "sources"

    @property
    def indexes_dir(self) -> Path:
        """`LIBRARY/VERSION/{CURRENT,generations/}`."""
        return self.data_dir / "indexes"

    @property
    def environments_dir(self) -> Path:
        """`LIBRARY/VERSION/current`: what the sandbox runs code with."""
        return self.data_dir / "environments"

    @property
    def pictures_dir(self) -> Path:
        """Pictures that the sandbox made, by content."""
        return self.data_dir / "pictures"

    @property
    def records_file(self) -> Path:
        """The records, where no other database is set."""
        return self.data_dir / "records.sqlite"

    @property
    def discord_file(self) -> Path:
        """What the Discord bot remembers."""
        return self.data_dir / "discord.sqlite"

    @property
    def records_key_file(self) -> Path:
        """The key under which people and questions are hashed."""
        return self.data_dir / "records.key"

    @property
    def llm_model_or_default(self) -> str:
        """The model that answers; `huggingface` has a default of its own."""
        own_default = self.llm == "huggingface" and "llm_model" not in self.model_fields_set
        return PHI_3 if own_default else self.llm_model

    def for_judge(self) -> Settings:
        """Return the settings with the judge's LLM in the place of the one that answers."""
        names = ("llm", "llm_model", "llm_url", "llm_key")
        chosen = {name: getattr(self, f"judge_{name}") for name in names}
        judged = {name: value for name, value in chosen.items() if value is not None}
        return self.model_copy(update={**judged, "fallback_llm": None})  # two models would be two judges

    def for_fallback(self) -> Settings:
        """Return the settings with the fallback in the place of the first LLM; what it lacks has its default.

        The first one's key would otherwise be shown to the other server.
        """
        names = ("llm_model", "llm_url", "llm_key")
        chosen = {name: getattr(self, f"fallback_{name}") for name in names}
        defaults = {name: type(self).model_fields[name].default for name in names}
        if self.fallback_llm == "huggingface":
            defaults["llm_model"] = PHI_3
        own = {name: defaults[name] if value is None else value for name, value in chosen.items()}
        return self.model_copy(update={**own, "llm": self.fallback_llm or "none", "fallback_llm": None})


def load_settings(**overrides: Any) -> Settings:
    """Read the settings.

    Raises:
        ConfigurationError: a value is not allowed; names the setting, never its value (it may be a secret).
    """
    try:
        return Settings(**overrides)
    except ValidationError as error:
        found = "; ".join(
            f"{_variable(item['loc'])}: {item['msg'].removeprefix('Value error, ')}" for item in error.errors()
        )
        raise ConfigurationError(
            f"Settings cannot be used: {found}.", remedy="`fury-agent doctor --settings` lists all settings."
        ) from error
    except (SettingsError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(
            f"Settings cannot be used: {error}.", remedy=f"Lists are JSON; {CONFIG_FILE} is TOML. See docs/settings.md."
        ) from error


def _variable(path: tuple[int | str, ...]) -> str:
    return f"{PREFIX}{'_'.join(map(str, path)).upper()}"


def unknown_variables() -> dict[str, str]:
    """Return the variables that look like settings and are none, each with the setting that is probably meant."""
    known = [name.upper() for name in Settings.model_fields]
    said = {name: name.upper().removeprefix(PREFIX) for name in sorted(os.environ) if name.upper().startswith(PREFIX)}
    meant = {name: get_close_matches(word, known, 1) for name, word in said.items() if word not in known}
    return {name: f"{PREFIX}{close[0]}" if close else "" for name, close in meant.items()}


def child_environment() -> dict[str, str]:
    """Return the environment for programs that we start, without this project's own settings and secrets."""
    return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}


def forbid_usage_reports() -> None:
    """Have Ray, where this process starts it, tell its makers nothing."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"


def as_markdown() -> str:
    """Return the page that documents every setting (`docs/settings.md`; `make docs` writes it)."""
    lines = [
        "# Settings",
        "",
        "Each is a variable of the environment, or a line of `fury-agent.toml` in the working directory under its name",
        "without the prefix, in lower case. Lists are JSON. Written by `make docs`.",
        "",
        "| setting | default | meaning |",
        "|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = "the user's data directory" if name == "data_dir" else f"`{json.dumps(field.default, default=str)}`"
        lines.append(f"| `{PREFIX}{name.upper()}` | {default} | {field.description} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(as_markdown())
