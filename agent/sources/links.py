"""Public addresses of source lines, for the forges that have a known layout."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from agent.errors import ConfigurationError

# By the first label of the host, so that `gitlab.example.org` has GitLab's layout.
_LAYOUTS = {
    "github": "{repository}/blob/{revision}/{{path}}#L{{start}}-L{{end}}",
    "gitlab": "{repository}/-/blob/{revision}/{{path}}#L{{start}}-{{end}}",
    "bitbucket": "{repository}/src/{revision}/{{path}}#lines-{{start}}:{{end}}",
    "codeberg": "{repository}/src/{kind}/{revision}/{{path}}#L{{start}}-L{{end}}",
    "gitea": "{repository}/src/{kind}/{revision}/{{path}}#L{{start}}-L{{end}}",
    "forgejo": "{repository}/src/{kind}/{revision}/{{path}}#L{{start}}-L{{end}}",
}
_SEGMENT = re.compile(r"(?!\.\.?$)[\w.~-]+", re.ASCII)
_HOST = re.compile(r"[a-z0-9.-]+")
_NOT_OWNERS = {"sponsors", "orgs", "apps", "marketplace"}
_SOURCE_LABEL = re.compile(r"source|repo|code|git")
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


def repository_at(url: str) -> str | None:
    """Return the https address of the repository that `url` points into, or None where the forge is unknown."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return None
    segments = [segment for segment in parts.path.split("/") if segment]
    if parts.scheme not in ("https", "ssh") or not _HOST.fullmatch(host) or host.partition(".")[0] not in _LAYOUTS:
        return None
    nested = host.startswith("gitlab.")  # only GitLab has groups inside groups; `-` ends them
    owned = segments[: segments.index("-")] if nested and "-" in segments else segments if nested else segments[:2]
    if len(owned) < 2 or owned[0] in _NOT_OWNERS:  # noqa: PLR2004 - owner and repository
        return None
    owned[-1] = owned[-1].removesuffix(".git")
    return f"https://{host}/{'/'.join(owned)}" if all(map(_SEGMENT.fullmatch, owned)) else None


def find_repository(urls: tuple[tuple[str, str], ...]) -> str | None:
    """Return the repository among a project's labelled URLs; labels that speak of source code come first."""
    ranked = sorted(urls, key=lambda item: not _SOURCE_LABEL.search(item[0]))
    return next((found for _, url in ranked if (found := repository_at(url))), None)


def url_template(repository: str, revision: str) -> str | None:
    """Return the `str.format` template of lines at `revision`; see `SourceTree.url_template`."""
    layout = _LAYOUTS.get((urlsplit(repository).hostname or "").partition(".")[0])
    kind = "commit" if _COMMIT.fullmatch(revision) else "tag"
    # quote() also escapes braces, so nothing of the revision can be taken for a field
    return layout and layout.format(repository=repository, revision=quote(revision), kind=kind)


def issues_page(template: str | None) -> str | None:
    """Return where questions about a project may be asked: its tracker, told from the template of its lines."""
    if template is None:
        return None
    repository = repository_at(template.format(path="x", start=1, end=1))
    if repository is None:
        return None
    return f"{repository}/-/issues" if urlsplit(repository).netloc.startswith("gitlab.") else f"{repository}/issues"


def check_template(template: str) -> str:
    """Return the configured template if it can be used.

    Raises:
        ConfigurationError: it is not an http(s) URL with `{path}`, or has fields that do not exist.
    """
    try:
        shown = template.format(path="a/b.py", start=1, end=2)
    except (LookupError, ValueError, AttributeError):
        shown = ""
    if not re.match(r"https?://", shown) or "a/b.py" not in shown:
        raise ConfigurationError(
            f"source_url_template {template!r} is no http(s) URL with {{path}} and, if wanted, {{start}} and {{end}}.",
            remedy="Write for example https://example.org/blob/v1/{path}#L{start}-L{end}.",
            field="source_url_template",
        )
    return template
