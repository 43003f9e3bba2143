"""Revisions of git repositories: fetched without history, without prompts, and without running anything of theirs."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO, cast

from agent.errors import SourceNotFound, SourceUnreachable
from agent.settings import Settings, child_environment
from agent.sources.archive import Limits, unpack_tar
from agent.sources.kept import Kept, Origin, find_commit, keep, storing, workspace
from agent.sources.progress import Progress
from agent.sources.spec import GIT_SCHEMES, GitSpec, redact

COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")

_PATIENCE = 10  # a fetch may take this many network timeouts, as long as bytes keep coming
_LOCAL_TIMEOUT = 60.0  # seconds for what needs no network
_NOT_THERE = re.compile(
    r"couldn't find remote ref|not our ref|repository .*not found|not appear to be a git repository|does not exist"
    r"|unadvertised object|error: 404",
    re.IGNORECASE,
)
# A caller's own repository (we may run inside a hook) must not be taken for ours.
_OWN_REPOSITORY = re.compile(
    r"GIT_(DIR|WORK_TREE|INDEX_FILE|OBJECT_DIRECTORY|ALTERNATE_.*|COMMON_DIR|NAMESPACE|PREFIX)"
)
# What `git archive` would leave out, rewrite or pipe through a program; the bytes of the commit are wanted.
_NO_CONFIGURATION = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_ATTR_NOSYSTEM": "1"}
_ATTRIBUTES = "* -export-ignore -export-subst -filter -ident -text -eol -working-tree-encoding\n"


def fetch_commit(spec: GitSpec, settings: Settings, progress: Progress) -> Kept:
    """Fetch one commit and unpack its files; submodules are left out.

    Raises:
        SourceNotFound: no such repository or ref.
        SourceUnreachable: the server did not answer, or not to us; or git is not installed.
        UnsafeArchive: the tree is hostile or beyond the limits.
        StorageError: the data directory cannot be written.
    """
    if spec.ref and COMMIT.fullmatch(spec.ref) and (kept := find_commit(settings.sources_dir, spec.ref)):
        return kept
    with workspace(settings.sources_dir) as directory:
        repository = directory / "repository"
        commit = _fetch(spec, repository, settings, progress)
        if kept := find_commit(settings.sources_dir, commit):
            return kept
        tree = directory / "tree"
        with storing(tree):
            tree.mkdir()
        progress("unpacking", 0, None)
        limits = Limits(settings.source_max_archive_files, settings.source_max_archive_bytes)
        skipped = _unpack(repository, commit, tree, limits)
        return keep(tree, settings.sources_dir, Origin("git", spec.library, None, str(spec), commit, skipped))


def _fetch(spec: GitSpec, repository: Path, settings: Settings, progress: Progress) -> str:
    # An empty template: the user's own could bring hooks.
    _local(["init", "--quiet", "--bare", "--template=", str(repository)])
    with storing(repository):
        (repository / "info").mkdir(exist_ok=True)
        (repository / "info" / "attributes").write_text(_ATTRIBUTES)
    progress(f"fetching {spec.library}", 0, None)
    quiet = f"{max(1, round(settings.network_timeout))}"
    options = ["-c", "http.lowSpeedLimit=1", "-c", f"http.lowSpeedTime={quiet}", "-c", "core.hooksPath=/dev/null"]
    fetch = [
        "fetch",
        "--quiet",
        "--depth=1",
        "--no-tags",
        "--no-recurse-submodules",
        "--",
        spec.url,
        spec.ref or "HEAD",
    ]
    try:
        _run(
            [*options, f"--git-dir={repository}", *fetch],
            timeout=_PATIENCE * settings.network_timeout,
            protocols=GIT_SCHEMES,
        )
    except subprocess.TimeoutExpired as error:
        raise SourceUnreachable(
            f"{str(spec)!r} was not there after {error.timeout:g} s.", remedy="Try again later, or set network_timeout."
        ) from None  # the command line may hold credentials
    except subprocess.CalledProcessError as error:
        raise _refused(spec, error) from None
    return _local([f"--git-dir={repository}", "rev-parse", "--verify", "FETCH_HEAD^{commit}"]).decode().strip()


def _refused(spec: GitSpec, error: subprocess.CalledProcessError) -> SourceNotFound | SourceUnreachable:
    said = redact(error.stderr.decode(errors="replace").strip()) or f"git ended with {error.returncode}"
    said = " ".join(line.strip() for line in said.splitlines())[:500].rstrip(".")
    if _NOT_THERE.search(said):
        return SourceNotFound(
            f"{str(spec)!r} is not there: {said}.",
            remedy="Check the URL, and give a branch, a tag, or a commit in full.",
        )
    return SourceUnreachable(
        f"{str(spec)!r} could not be fetched: {said}.", remedy="Check the network and your access."
    )


def _unpack(repository: Path, commit: str, tree: Path, limits: Limits) -> dict[str, int]:
    with (
        subprocess.Popen(
            ["git", f"--git-dir={repository}", "archive", "--format=tar", commit],
            # Without the user's configuration there are no filters that could run.
            env=_environment(()) | _NO_CONFIGURATION,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process,
        cast("IO[bytes]", process.stdout) as stream,
    ):
        try:
            skipped = unpack_tar(stream, tree, limits)
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise SourceUnreachable(f"git could not read the commit {commit!r} that it fetched.", remedy="Try again.")
    return dict(skipped)


def tracked_blobs(folder: Path) -> tuple[str, dict[str, str]] | None:
    """Return HEAD's commit and the object name of each of its files, by path; None where git does not know them.

    Nothing of the repository's configuration is run: `git status` would run its filters and monitors.
    """
    if not (folder / ".git").exists():
        return None
    try:
        commit = _local(["-C", str(folder), "rev-parse", "--verify", "HEAD^{commit}"]).decode().strip()
        listing = _local(["-C", str(folder), "ls-tree", "-r", "-z", "--full-tree", commit])
    except (SourceUnreachable, subprocess.SubprocessError):
        return None
    entries = [entry.partition("\t") for entry in listing.decode(errors="replace").split("\0") if entry]
    return commit, {path: described.split(" ")[2] for described, _, path in entries}


def _local(arguments: Sequence[str]) -> bytes:
    return _run(arguments, timeout=_LOCAL_TIMEOUT, protocols=())


def _run(arguments: Sequence[str], *, timeout: float, protocols: Sequence[str]) -> bytes:
    """Run git; on a timeout its helpers (`git-remote-https`, `ssh`) end with it."""
    try:
        process = subprocess.Popen(
            ["git", *arguments],
            env=_environment(protocols),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # also takes the terminal away, so nothing can prompt
        )
    except FileNotFoundError as error:
        raise SourceUnreachable("The program git is not installed.", remedy="Install git.") from error
    with process:
        try:
            output, errors = process.communicate(timeout=timeout)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, "git", output, errors)
    return output


def _environment(protocols: Sequence[str]) -> dict[str, str]:
    inherited = {name: value for name, value in child_environment().items() if not _OWN_REPOSITORY.fullmatch(name)}
    return (
        {"GIT_SSH_COMMAND": "ssh -o BatchMode=yes"}
        | inherited
        | {
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "",
            "SSH_ASKPASS": "",
            "GIT_ALLOW_PROTOCOL": ":".join(protocols) or "none",
            "GIT_NO_LAZY_FETCH": "1",
            "LC_ALL": "C",  # messages are matched
        }
    )
