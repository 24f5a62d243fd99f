"""Who we are to the API server: a password, or a token: as it stands, in a file kept fresh, or printed by a program."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from kserve_lite.controller.runtime.errors import NoAccess

REREAD = 60.0  # seconds; the kubelet renews a token long before it expires
EARLY = 30.0  # seconds before its end from which a program's token is not used any more
VERSIONS = tuple(f"client.authentication.k8s.io/{version}" for version in ("v1", "v1beta1", "v1alpha1"))


class Credentials(Protocol):
    """What goes into the `Authorization` of a request."""

    async def header(self) -> str | None:
        """Its value; None without one. Raises `NoAccess`."""

    async def renew(self, refused: str | None) -> str | None:
        """Another value than the one that the server answered with 401; None when there is none."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """Always the same; None for a client certificate, or for nobody."""

    value: str | None = None

    async def header(self) -> str | None:
        """The value."""
        return self.value

    async def renew(self, refused: str | None) -> str | None:
        """There is no other."""
        return None


@dataclass(slots=True)
class TokenFile:
    """A bearer token in a file that somebody else keeps fresh."""

    file: Path
    clock: Callable[[], float] = time.monotonic
    _value: str = ""
    _read: float = 0.0

    async def header(self) -> str | None:
        """The token as read a minute ago at most."""
        if not self._value or self.clock() - self._read > REREAD:
            self._reread()
        return self._value

    async def renew(self, refused: str | None) -> str | None:
        """What is in the file now, where that is something else."""
        self._reread()
        return self._value if self._value != refused else None

    def _reread(self) -> None:
        try:
            self._value = f"Bearer {self.file.read_text(encoding='utf-8').strip()}"
        except OSError as error:
            raise NoAccess(f"the token cannot be read: {error}") from error
        self._read = self.clock()


@dataclass(slots=True)
class Program:
    """A token that a program prints (`exec` in a kubeconfig), kept until it expires or is refused."""

    command: tuple[str, ...]
    api_version: str
    environment: Mapping[str, str] = field(default_factory=dict)
    hint: str = ""  # how to install the program
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    _value: str = ""
    _until: datetime | None = None
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def header(self) -> str | None:
        """The token; the program runs when there is none that still holds."""
        async with self._asking:  # many requests at once run it once
            ends = (self._until - self.clock()).total_seconds() if self._until is not None else EARLY
            if not self._value or ends < EARLY:
                await self._ask()
        return self._value

    async def renew(self, refused: str | None) -> str | None:
        """What the program prints now, unless another request has asked it since."""
        async with self._asking:
            if self._value == refused:
                await self._ask()
        return self._value if self._value != refused else None

    async def _ask(self) -> None:
        token, self._until = _credential(await self._run())
        self._value = f"Bearer {token}"

    async def _run(self) -> bytes:
        asked = {"apiVersion": self.api_version, "kind": "ExecCredential", "spec": {"interactive": False}}
        environment = {**os.environ, **self.environment, "KUBERNETES_EXEC_INFO": json.dumps(asked)}
        name = self.command[0]
        try:
            process = await asyncio.create_subprocess_exec(
                *self.command, env=environment, stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
        except OSError as error:
            raise NoAccess(f"{name} cannot be run: {error.strerror}. {self.hint}".strip()) from error
        said, complaint = await process.communicate()
        if process.returncode:
            tail = complaint.decode(errors="replace").strip()[-300:]
            raise NoAccess(f"{name} ended with {process.returncode}: {tail}")
        return said


def _credential(said: bytes) -> tuple[str, datetime | None]:
    try:
        status: dict[str, Any] = json.loads(said)["status"]
        until = status.get("expirationTimestamp")
        if "token" not in status and "clientCertificateData" in status:
            raise NoAccess("the program prints a client certificate, which is not supported; only a token is")
        return str(status["token"]), datetime.fromisoformat(until) if until else None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NoAccess("the program prints no ExecCredential with a token") from error
