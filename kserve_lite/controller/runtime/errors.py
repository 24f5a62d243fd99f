"""What can go wrong between this process and the API server."""

from __future__ import annotations

import msgspec


class ApiError(Exception):
    """The API server's answer to a request that it refused; code 0 where no request could be made at all.

    `ending` where nothing can be made in a namespace any more because it is being deleted.
    """

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        retry_after: float | None = None,
        *,
        ending: bool = False,
    ) -> None:
        super().__init__(f"{code} {reason}: {message}")
        self.code = code
        self.reason = reason
        self.message = message
        self.retry_after = retry_after
        self.ending = ending


class ConnectionLost(OSError):
    """No answer, or none that is whole: the server cannot be reached, hung up, or spoke something else than HTTP."""


class NoAccess(Exception):
    """A kubeconfig or its credentials that cannot be used, and what is wrong with them."""


# A refusal, a broken connection, a reply cut short or too late: everything after which trying again makes sense.
TRANSIENT = (ApiError, OSError, TimeoutError, msgspec.DecodeError)
