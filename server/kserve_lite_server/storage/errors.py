"""What went wrong while a model was fetched, in words that a user can act on."""

import errno
from pathlib import Path


class StorageError(Exception):
    """A fetch that can't succeed as asked: a stable code, one sentence, and the remedy."""

    def __init__(self, code: str, message: str, remedy: str) -> None:
        super().__init__(f"{message} ({code}) {remedy}")
        self.code = code
        self.message = message
        self.remedy = remedy


class Transient(Exception):
    """A failure that another try may cure; `error` is what to raise when no try is left."""

    def __init__(self, error: StorageError, retry_after: float | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.retry_after = retry_after


def missing(
    uri: str, remedy: str = "Check the spelling of the URI, or upload the model there."
) -> StorageError:
    """Return the error for a URI at which there is nothing."""
    return StorageError("not_found", f"There is nothing at {uri}.", remedy)


def writing_failed(error: OSError, dest: Path) -> StorageError:
    """Translate a failure to write below `dest`."""
    reason = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StorageError(
            "disk_full",
            f"The disk of {dest} has no room for the model: {reason}.",
            "Free some space there, or give the volume a larger size limit.",
        )
    return StorageError(
        "destination_not_writable",
        f"{dest} can't be written: {reason}.",
        "Choose a folder that this user may write, or mount the volume writable.",
    )
