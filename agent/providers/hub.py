"""The model hub: single files for the catalogue, and whole models by their id; what is here already is not asked for.

A whole model is data: its weights are safetensors, and code that it may bring is not downloaded.
"""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import httpx2
import msgspec

from agent.errors import StorageError, WeightsMissing

TIMEOUT = 5.0
"""Seconds until the hub counts as unreachable; its own client would retry for half a minute."""

_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(@[\w./-]+)?")
_WANTED = ("*.json", "*.safetensors", "*.txt", "*.model", "*.jinja")


_HTTP_ERRORS = (httpx.HTTPError, httpx2.HTTPError)
"""Versions of the hub's client speak through the one or the other."""


class _Shards(msgspec.Struct):
    weight_map: dict[str, str]


def is_model_id(name: str) -> bool:
    """Whether `name` reads as `OWNER/MODEL` or `OWNER/MODEL@REVISION`."""
    return _ID.fullmatch(name) is not None and not name.endswith(".gguf")


def kept(name: str) -> Path | None:
    """Return the directory of a model in the hub's local cache, or None if it is not there or not whole.

    The directory's name is the commit of the model.
    """
    try:
        import huggingface_hub
        from huggingface_hub import errors
    except ImportError:
        return None
    repository, revision = _parts(name)
    try:
        found = Path(
            huggingface_hub.snapshot_download(
                repository, revision=revision, allow_patterns=list(_WANTED), local_files_only=True
            )
        )
    except (errors.LocalEntryNotFoundError, errors.HFValidationError):
        return None
    return found if _is_whole(found) else None


def model(name: str) -> Path:
    """Return the directory of a model, downloading it into the hub's local cache if it is not whole there.

    Raises:
        WeightsMissing: it is neither here nor to be had; the message has the command that gets it.
        StorageError: it cannot be written.
    """
    found = kept(name)
    if found is not None:
        return found
    problem = unreachable()
    if problem:
        raise absent(name, problem)
    import huggingface_hub
    from huggingface_hub import errors

    repository, revision = _parts(name)
    try:
        return Path(
            huggingface_hub.snapshot_download(
                repository, revision=revision, allow_patterns=list(_WANTED), etag_timeout=TIMEOUT
            )
        )
    except errors.GatedRepoError as error:
        raise WeightsMissing(
            f"The model {name!r} is given only to those who accepted its terms on the model hub.",
            remedy="Accept them on its page, then run `hf auth login`.",
        ) from error
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.HFValidationError) as error:
        raise WeightsMissing(
            f"{name!r} is neither an existing file or directory nor a model on the hub.",
            remedy="Expected OWNER/MODEL or OWNER/MODEL@REVISION; for a private one, run `hf auth login` first.",
        ) from error
    except (*_HTTP_ERRORS, errors.HfHubHTTPError, errors.LocalEntryNotFoundError) as error:
        raise absent(name, _words(error)) from error
    except OSError as error:
        raise StorageError(
            f"The model {name!r} cannot be written to the hub's cache: {error}.",
            remedy="Free some space, or choose another directory with HF_HOME.",
        ) from error


def absent(name: str, problem: str = "") -> WeightsMissing:
    """Return the error that says that a model is not here (nor, with a problem, to be had), and what gets it."""
    repository, revision = _parts(name)
    command = f"hf download {repository}" + (f" --revision {revision}" if revision else "")
    return WeightsMissing(
        f"The model {name!r} is not here" + (f", and {problem}." if problem else "."),
        remedy=f"Run `{command}` where the hub can be reached; `--local-dir DIR` gives a directory to carry over, "
        "whose path can be set instead of the name.",
    )


def file(repository: str, path: str, revision: str, scratch: Path) -> tuple[Path | None, str]:
    """Download one file into `scratch` (an earlier download is continued), or say why that cannot be."""
    problem = unreachable()
    if problem:
        return None, problem
    import huggingface_hub
    from huggingface_hub import errors

    try:
        downloaded = huggingface_hub.hf_hub_download(
            repository, path, revision=revision, local_dir=scratch, etag_timeout=TIMEOUT
        )
    except (*_HTTP_ERRORS, errors.HfHubHTTPError, errors.LocalEntryNotFoundError) as error:
        return None, _words(error)
    return Path(downloaded), ""


def unreachable() -> str:
    """Return why the hub cannot be asked, or an empty string."""
    try:
        import huggingface_hub
    except ImportError:
        return "the model hub's client is not installed"
    if huggingface_hub.is_offline_mode():
        return "the model hub is switched off by HF_HUB_OFFLINE"
    from huggingface_hub import constants

    try:
        httpx.head(constants.ENDPOINT, timeout=TIMEOUT)
    except httpx.HTTPError as error:
        return _words(error)
    return ""


def _words(error: Exception) -> str:
    said = str(error).splitlines()
    return f"the model hub does not give it ({type(error).__name__}: {said[0] if said else 'no reply'})"


def _parts(name: str) -> tuple[str, str | None]:
    repository, _, revision = name.partition("@")
    return repository, revision or None


def _is_whole(directory: Path) -> bool:
    """Whether a download was not broken off: its configuration and all files of its weights are there."""
    index = directory / "model.safetensors.index.json"
    names = {"model.safetensors"}
    if index.is_file():
        names = set(msgspec.json.decode(index.read_bytes(), type=_Shards).weight_map.values())
    return all((directory / name).is_file() for name in {"config.json", *names})
