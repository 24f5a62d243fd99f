"""A process of this machine that never outlives `kserve-lite serve`, with its output line by line."""

import asyncio
import contextlib
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_GUARD = Path(__file__).with_name("guard.py")
_TAIL = 20
_LAST_LINES = 1.0

OnLine = Callable[[str], None]


class Process:
    """One started command; `tail` keeps its last lines of output for whoever must explain its end."""

    def __init__(
        self, process: asyncio.subprocess.Process, tail: deque[str], pumps: Sequence[asyncio.Task[None]]
    ) -> None:
        """Use `Process.start`."""
        self._process = process
        self._pumps = pumps
        self.tail = tail

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        env: Mapping[str, str],
        folder: Path,
        on_line: OnLine,
        on_output: OnLine | None = None,
    ) -> "Process":
        """Start `command` in `folder` with `env` above this process's own environment.

        `on_line` gets what it writes to stderr, and to stdout too unless `on_output` is there for that.
        """
        tail: deque[str] = deque(maxlen=_TAIL)

        def keep(line: str) -> None:
            tail.append(line)
            on_line(line)

        output, pumping = await _pipe(on_output or keep)
        errors, pumping_errors = await _pipe(keep) if on_output else (output, pumping)
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(_GUARD), *command),
                stdin=asyncio.subprocess.PIPE,  # the guard's lifeline; never written to
                stdout=output,
                stderr=errors,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **env},
                cwd=folder,
                start_new_session=True,
            )
        finally:
            for end in {output, errors}:
                os.close(end)
        return cls(process, tail, list({pumping, pumping_errors}))

    @property
    def group(self) -> int:
        """The process group that the guard, the command and everything started by it belong to."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the command runs, as far as is known."""
        return self._process.returncode is None

    async def wait(self) -> int:
        """Return the exit code (128 + n for signal n) after the last line of output was handed on."""
        code = await self._process.wait()
        self._kill_group()  # a worker that outlived its master
        await asyncio.wait(
            self._pumps, timeout=_LAST_LINES
        )  # bounded: who left the group may hold the pipe for ever
        return 128 - code if code < 0 else code

    async def stop(self, grace: float) -> int:
        """Ask the command to end, take it down after `grace` seconds, and return its exit code."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(grace):
                await self._process.wait()
        except TimeoutError:
            self._kill_group()
        return await self.wait()

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.group, signal.SIGKILL)


async def _pipe(on_line: OnLine) -> tuple[int, asyncio.Task[None]]:
    """Return the end of a pipe to write to, and the task that reads the other end.

    Not asyncio's own pipes: with those, `wait` returns only when nobody holds them any more, and a guard that was
    killed leaves them to its server.
    """
    reading, writing = os.pipe()
    stream = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(reading, "rb", 0)
    )
    return writing, asyncio.create_task(_pump(stream, transport, on_line))


async def _pump(stream: asyncio.StreamReader, transport: asyncio.ReadTransport, on_line: OnLine) -> None:
    """Hand on every line, however long, and a last one without an end of line."""
    rest = b""
    try:
        while chunk := await stream.read(65536):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                on_line(line.rstrip(b"\r").decode(errors="replace"))
        if rest:
            on_line(rest.decode(errors="replace"))
    finally:
        transport.close()
