"""Every error that fury-agent raises on purpose.

Each message names the value at fault, what was expected, and what to do next; `slug` is the stable
identifier that the HTTP problem type and the JSON output carry::

    AgentError
    ├── InvalidInput              a question, SPEC, field or setting that cannot be used
    │   └── ConfigurationError    a setting names something that does not exist
    ├── NotFound
    │   ├── UnknownLibrary
    │   ├── UnknownVersion
    │   ├── UnknownAnswer
    │   └── UnknownPicture
    ├── SourceError               the sources of a library could not be had
    │   ├── SourceNotFound        no such package, version, repository, ref or folder
    │   ├── SourceUnreachable     the network, or what stands behind it, did not answer
    │   └── UnsafeArchive         the archive is corrupt, hostile or beyond the limits
    ├── WeightsError
    │   ├── WeightsMissing
    │   └── WeightsCorrupt        the SHA-256 differs from the publisher's
    ├── IndexError_
    │   ├── IndexMissing
    │   ├── IndexMismatch         made with another model, chunker or format
    │   ├── IndexCorrupt          it could not be read, or failed its validation queries
    │   └── BuildLocked           another process is building it
    ├── StorageError              disk full, or a directory that cannot be written
    ├── MissingExtra              an optional dependency is not installed
    ├── ServiceError              a part that answers questions
    │   ├── ModelUnavailable
    │   ├── ModelTimeout
    │   ├── StoreUnavailable
    │   ├── RecordsUnavailable    questions are answered all the same
    │   ├── ClusterUnavailable    the Ray cluster that was to index
    │   ├── SandboxUnavailable    code cannot be run here
    │   └── Overloaded            the queue is full; `retry_after` says when to come back
    ├── AccessDenied              whoever asks may not, or not now
    │   ├── Unauthorized          no API key, or one that does not count
    │   └── OverLimit             more requests than allowed; `retry_after` says when to come back
    └── Cancelled                 the caller has gone; nobody is waiting for the result
"""

from __future__ import annotations

from typing import ClassVar


class AgentError(Exception):
    """Base of the tree.

    Attributes:
        message: what went wrong, naming the value and what was expected.
        remedy: what to do next, ideally a command; may be empty.
    """

    slug: ClassVar[str] = "internal"

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".rstrip()


class InvalidInput(AgentError):
    """Input that cannot be used.

    Attributes:
        field: the name of the field at fault, or an empty string.
    """

    slug = "invalid-input"

    def __init__(self, message: str, *, remedy: str = "", field: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.field = field


class ConfigurationError(InvalidInput):
    """A setting names something that does not exist."""

    slug = "configuration"


class NotFound(AgentError):
    """What was asked for is not there."""

    slug = "not-found"


class UnknownLibrary(NotFound):
    """The library is not indexed."""

    slug = "unknown-library"


class UnknownVersion(NotFound):
    """The library is indexed, but not at that version."""

    slug = "unknown-version"


class UnknownAnswer(NotFound):
    """No answer has that id."""

    slug = "unknown-answer"


class UnknownPicture(NotFound):
    """No picture has that name, or not any more."""

    slug = "unknown-picture"


class SourceError(AgentError):
    """The sources of a library could not be had."""

    slug = "source"


class SourceNotFound(SourceError):
    """No such package, version, repository, ref or folder."""

    slug = "source-not-found"


class SourceUnreachable(SourceError):
    """The network, or what stands behind it, did not answer."""

    slug = "source-unreachable"


class UnsafeArchive(SourceError):
    """The archive is corrupt, hostile or beyond the limits; nothing of it was kept."""

    slug = "unsafe-archive"


class WeightsError(AgentError):
    """Model weights cannot be used."""

    slug = "weights"


class WeightsMissing(WeightsError):
    """The weights are in none of the places that were looked at."""

    slug = "weights-missing"


class WeightsCorrupt(WeightsError):
    """The SHA-256 of a weights file differs from the publisher's."""

    slug = "weights-corrupt"


class IndexError_(AgentError):  # noqa: N801 - see the docstring
    """An index cannot be used; the underscore keeps the builtin's name free."""

    slug = "index"


class IndexMissing(IndexError_):
    """No index has been built."""

    slug = "index-missing"


class IndexMismatch(IndexError_):
    """The index was made with another model, chunker or format."""

    slug = "index-mismatch"


class IndexCorrupt(IndexError_):
    """The index could not be read, or failed its validation queries."""

    slug = "index-corrupt"


class BuildLocked(IndexError_):
    """Another process is building the same index."""

    slug = "build-locked"


class StorageError(AgentError):
    """Disk full, or a directory that cannot be written."""

    slug = "storage"


class MissingExtra(AgentError):
    """An optional dependency is not installed."""

    slug = "missing-extra"


class ServiceError(AgentError):
    """A part that answers questions is not available."""

    slug = "service"


class ModelUnavailable(ServiceError):
    """The embedding model or the LLM could not be reached or has died."""

    slug = "model-unavailable"


class ModelTimeout(ServiceError):
    """The LLM did not say anything within its deadline."""

    slug = "model-timeout"


class StoreUnavailable(ServiceError):
    """The vector store did not answer."""

    slug = "store-unavailable"


class RecordsUnavailable(ServiceError):
    """What was asked and said cannot be recorded or read; questions are answered all the same."""

    slug = "records-unavailable"


class ClusterUnavailable(ServiceError):
    """The Ray cluster that was to index could not be reached, or failed; what it finished is kept."""

    slug = "cluster-unavailable"


class SandboxUnavailable(ServiceError):
    """Code cannot be run here; the remedy says what is missing."""

    slug = "sandbox-unavailable"


class Overloaded(ServiceError):
    """The queue is full.

    Attributes:
        retry_after: seconds after which it is worth trying again.
    """

    slug = "overloaded"

    def __init__(self, message: str, *, remedy: str = "", retry_after: float = 1.0) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after = retry_after


class AccessDenied(AgentError):
    """Whoever asks may not, or not now."""

    slug = "access-denied"


class Unauthorized(AccessDenied):
    """No API key was sent, or one that does not count."""

    slug = "unauthorized"


class OverLimit(AccessDenied):
    """More requests than a caller may send.

    Attributes:
        retry_after: seconds after which the same request will be let in, if nobody else sends one for the caller.
    """

    slug = "over-limit"

    def __init__(self, message: str, *, remedy: str = "", retry_after: float = 1.0) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after = retry_after


class Cancelled(AgentError):
    """The caller has gone; nobody is waiting for the result."""

    slug = "cancelled"
