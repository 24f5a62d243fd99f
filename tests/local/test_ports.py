"""Which ports the processes of a laptop get."""

import socket
from pathlib import Path

import pytest

from kserve_lite.local import ports


def test_ports_differ_and_nobody_listens_on_them() -> None:
    numbers = ports.free(8)

    assert len(set(numbers)) == 8
    for number in numbers:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", number))


@pytest.mark.skipif(
    not Path("/proc/sys/net/ipv4/ip_local_port_range").exists(), reason="Linux tells its range here"
)
def test_no_connection_of_this_machine_is_given_a_port_that_a_server_is_about_to_bind() -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])

    assert all(number < first for number in ports.free(50))


def test_a_port_that_is_taken_is_not_given_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        number = taken.getsockname()[1]
        monkeypatch.setattr(ports, "_FIRST", number)
        monkeypatch.setattr(ports, "_handed_out_from", lambda: number + 1)

        assert ports.free(1) != [number]
