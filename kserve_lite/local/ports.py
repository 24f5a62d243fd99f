"""Ports of this machine: the one asked for, the next free one, or any."""

import contextlib
import errno
import socket
from collections.abc import Sequence

_TRIES = 100


class PortInUse(Exception):
    """No port could be taken; the message says which and why."""


def loopback() -> list[str]:
    """Return the addresses that `localhost` may mean here: whoever resolves it to ::1 must reach us too."""
    return [address for address in ("127.0.0.1", "::1") if _can_bind(address, 0) is None]


def claim(addresses: Sequence[str], port: int, *, strict: bool) -> int:
    """Return `port`, or unless `strict` the first free one above it, free on every address. Raises PortInUse."""
    last = port if strict else min(port + _TRIES, 65535)
    for candidate in range(port, last + 1):
        reasons = [reason for address in addresses if (reason := _can_bind(address, candidate)) is not None]
        if not reasons:
            return candidate
        if reasons[0].errno != errno.EADDRINUSE:
            raise PortInUse(f"Port {candidate} cannot be used: {reasons[0].strerror}.")
    span = f"Port {port} is" if strict else f"All ports from {port} to {last} are"
    raise PortInUse(f"{span} in use by another program.")


def free(count: int) -> list[int]:
    """Return different ports of 127.0.0.1 that nobody listens on now."""
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(contextlib.closing(socket.socket())) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def _can_bind(address: str, port: int) -> OSError | None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with contextlib.closing(socket.socket(family)) as probe:
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
            probe.listen(1)
    except OSError as error:
        return error
    return None
