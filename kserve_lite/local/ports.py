"""Ports of this machine: the one asked for, the next free one, or any."""

import contextlib
import errno
import random
import socket
from collections.abc import Sequence
from pathlib import Path

_TRIES = 100
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_FIRST = 20000


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
    """Return different ports of 127.0.0.1 that nobody listens on now.

    A server binds its port seconds after it was chosen. Meanwhile any connection of this machine may be given a port
    of the range that the system hands out by itself, so these are drawn from below it.
    """
    below = range(_FIRST, _handed_out_from())
    drawn = random.sample(below, min(len(below), _TRIES + count))
    found: list[int] = []
    with contextlib.ExitStack() as held:
        for port in [*drawn, *[0] * count]:  # 0: any, when none of those drawn is free
            if len(found) == count:
                break
            probe = held.enter_context(contextlib.closing(socket.socket()))
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                found.append(probe.getsockname()[1])
    return found


def _handed_out_from() -> int:
    try:
        return int(_RANGE.read_text().split()[0])
    except (OSError, ValueError, IndexError):  # not Linux: ranges there begin at 49152
        return 49152


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
