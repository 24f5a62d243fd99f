"""The events of `kserve-lite serve` as lines: for a person, or one JSON object each for a program."""

import contextlib
import dataclasses
import itertools
import json
import shlex
import sys

from kserve_lite import __version__
from kserve_lite.cli import problems
from kserve_lite.cli.terminal import Style, size
from kserve_lite.local.events import Event, Failed, Listening, Log, Phase, Progress, Refused, Trial, Unused

_COLOUR_OF_PHASE = {
    "Ready": "green",
    "Reloading": "yellow",
    "Restarting": "yellow",
    "Stopping": "dim",
    "Stopped": "dim",
}
_COLOURS = itertools.cycle(("cyan", "magenta", "blue", "yellow", "green"))


class Show:
    """Prints each event as it comes; a closed pipe is no reason to stop serving."""

    def __init__(self, output: str) -> None:
        self._output = output
        self._style = Style(sys.stdout)
        self._colours: dict[str, str] = {}
        self._width = 0
        self._rewrites = False
        if output == "text":
            self._print(f"kserve-lite {__version__}")

    def __call__(self, event: Event) -> None:
        """Show one event."""
        with contextlib.suppress(BrokenPipeError):
            if self._output == "json":
                print(json.dumps(as_json(event), ensure_ascii=False), flush=True)
            else:
                self._tell(event)

    def _tell(self, event: Event) -> None:
        match event:
            case Phase(service="", phase=phase):
                self._print(self._style.paint(phase, "dim"))
            case Phase(service, phase, detail, milliseconds):
                took = f"in {milliseconds} ms" if milliseconds is not None else ""
                name = self._style.paint(f"{phase:<11}", _COLOUR_OF_PHASE.get(phase, "bold"))
                self._print(f"{self._label(service)} {name} {detail or took}".rstrip())
            case Progress(service, _, done, total, files):
                of = f" of {size(total)} ({done / total:.0%})" if total else ""
                self._rewrite(f"{self._label(service)} {'Downloading':<11} {size(done)}{of}, {files} files")
            case Log(service, line):
                self._print(f"{self._label(service)} {self._style.paint('│', 'dim')} {line}")
            case Unused(service, fields):
                name = self._style.paint(f"{'No effect':<11}", "yellow")
                self._print(f"{self._label(service)} {name} on this machine: {', '.join(fields)}")
            case Failed(service, problem, still_serving):
                after = "the version before goes on serving" if still_serving else "it does not serve"
                self._print(f"{self._label(service)} {self._style.paint('Failed     ', 'red')} {after}")
                problems.show([problem], "text")
            case Refused(found, still_serving):
                problems.show(found, "text")
                if still_serving:
                    self._print(
                        self._style.paint("Nothing changed: what served before goes on serving.", "yellow")
                    )
            case Listening():
                self._print(self._invitation(event))

    def _invitation(self, event: Listening) -> str:
        """Say where it answers, and how to ask."""
        taken = f" (port {event.skipped[0]} is in use by another program)" if event.skipped else ""
        lines = ["", f"Serving at {self._style.paint(event.url, 'bold')}{taken}. Ctrl-C ends it."]
        if event.failed:
            lines.append(
                self._style.paint(
                    f"{event.failed} of {event.failed + len(event.trials)} services failed, see above.", "red"
                )
            )
        lines += ["", *(line for trial in event.trials for line in (f"  {curl(event.url, trial)}", ""))]
        return "\n".join(lines)

    def _label(self, service: str) -> str:
        name = service.removeprefix("default/")
        self._width = max(self._width, len(name))
        colour = (
            self._colours.setdefault(service, next(_COLOURS))
            if service not in self._colours
            else self._colours[service]
        )
        return self._style.paint(f"{name:<{self._width}}", colour)

    def _print(self, line: str) -> None:
        print(f"\r\x1b[K{line}" if self._rewrites else line, flush=True)
        self._rewrites = False

    def _rewrite(self, line: str) -> None:
        """Show a line that the next one replaces; without a terminal it is a line like any other."""
        if self._style.on:
            print(f"\r\x1b[K{line}", end="", flush=True)
            self._rewrites = True
        else:
            self._print(line)


def curl(url: str, trial: Trial) -> str:
    """Return the command line that asks a service something it can answer."""
    host = f" -H 'Host: {trial.host}'" if trial.host else ""
    if not trial.model:  # a graph
        body = trial.body or '{"instances": [...]}'
        return f"curl -s{host} -H 'Content-Type: application/json' -d {shlex.quote(body)} {url}/"
    if trial.body is None:
        return f"curl -s{host} {url}/v1/models/{trial.model}"
    path = f"/v2/models/{trial.model}/infer" if _is_v2(trial.body) else f"/v1/models/{trial.model}:predict"
    return f"curl -s{host} -H 'Content-Type: application/json' -d {shlex.quote(trial.body)} {url}{path}"


def _is_v2(body: str) -> bool:
    """A V2 request lists tensors under `inputs`; V1 says `instances`, or `inputs` with plain rows."""
    try:
        inputs = json.loads(body).get("inputs")
    except (ValueError, AttributeError):
        return False
    return (
        isinstance(inputs, list)
        and bool(inputs)
        and all(isinstance(tensor, dict) and "datatype" in tensor for tensor in inputs)
    )


def as_json(event: Event) -> dict[str, object]:
    """Return an event as JSON types, its kind under `event`; a Listening carries the ready command lines."""
    fields: dict[str, object] = {"event": type(event).__name__.lower(), **dataclasses.asdict(event)}
    if isinstance(event, Listening):
        fields["try"] = [curl(event.url, trial) for trial in event.trials]
    return fields
