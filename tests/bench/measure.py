"""Measure one case: the same answers first, then interleaved rounds, then the same answers again."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench import grpc_cases, models
from tests.bench.cases import Case
from tests.bench.load import Generator, Load, run
from tests.bench.servers import Running, ServerError, ask, running

WARM_UP_SECONDS = 1


@dataclass(frozen=True)
class Cores:
    """Where the servers and the load generator run; None where this system cannot pin a process."""

    server: int | None
    load: int | None


@dataclass(frozen=True)
class Measurement:
    """Every round of one case: server name -> connections -> one Load a round, in the order they ran."""

    case: Case
    rounds: dict[str, dict[int, list[Load]]]


def measure(
    case: Case,
    generator: Generator,
    cores: Cores,
    rounds: int,
    seconds: int,
    cache: Path,
    say: Callable[[str], None],
) -> Measurement:
    """Run the case's servers side by side and load them in turn, for each number of connections."""
    model_dir = models.folder(case.model, cache / "models")
    with contextlib.ExitStack() as stack:
        servers: list[Running] = []
        for program in case.servers:
            say(f"starting {program.name}")
            reply = servers[0].reply if servers else b""
            request = case.request_of(program)
            start = running(program, request, model_dir, reply, cores.server, cache / "logs" / case.id)
            servers.append(stack.enter_context(start))

        def push(server: Running, connections: int, seconds: int) -> Load:
            request = case.request_of(server.server)
            url = server.url(request)
            size = len(server.reply) + grpc_cases.FRAME if request.grpc else 0
            return run(generator, url, request.body, request.headers, connections, seconds, cores.load, size)

        same_answers(servers, case)
        for server in servers:
            push(server, max(case.connections), WARM_UP_SECONDS)
        seen: dict[str, dict[int, list[Load]]] = {
            s.server.name: {c: [] for c in case.connections} for s in servers
        }
        for number in range(rounds):
            for connections in case.connections:
                for server in servers:
                    seen[server.server.name][connections].append(push(server, connections, seconds))
            say(f"round {number + 1} of {rounds}")
        same_answers(servers, case)
    return Measurement(case, seen)


def same_answers(servers: Sequence[Running], case: Case) -> None:
    """Ask every server once; raises ServerError unless all say 200 and the same."""
    first = None
    for server in servers:
        request = case.request_of(server.server)
        status, body = ask(server.port, request)
        if status != 200:
            raise ServerError(f"{server.server.name} answers {status}: {body[:200]!r}")
        answer = request.answer(body)
        first = answer if first is None else first
        if answer != first:
            raise ServerError(
                f"{server.server.name} answers {answer!r}, {servers[0].server.name} answers {first!r}"
            )
