"""`kserve-lite ask`: whether models answer, asked as a client would; `helm test` runs it inside the cluster."""

import argparse
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

EPILOG = """\
examples:
  kserve-lite ask http://localhost:8080/v1/models/sklearn-iris
  kserve-lite ask --timeout 300 http://iris.default/v1/models/iris http://price.default/v1/models/price

A model that describes itself (GET /v2/models/NAME) is asked its own sample request over V1, and a request made from its
inputs over V2; any other model only whether it is ready. What it says to a sample, 400 included, is an answer.
"""
PAUSE = 0.5
LONGEST = 30.0  # seconds that one request may take
BLANK: dict[str, Any] = {"BYTES": "text", "BOOL": False}


@dataclass(frozen=True)
class Answer:
    """What came back; `status` is 0 when nothing did, and then `body` says why."""

    status: int
    body: Any

    @property
    def fine(self) -> bool:
        """Whether a server that works answered: yes, or that the request is at fault."""
        return 200 <= self.status < 300 or self.status in (400, 422)


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "ask",
        help="ask models whether they are ready, and for a prediction",
        description="Wait until each model is ready, then ask it for a prediction; exit 1 if one does not answer.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("models", nargs="*", metavar="URL", help="http://HOST/v1/models/NAME")
    parser.add_argument(
        "--ready", action="append", default=[], metavar="URL", help="wait for a 200 of this too"
    )
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds in which all must have answered")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print a line for every answer; 1 when one is missing."""
    end = time.monotonic() + arguments.timeout
    failed = False
    for url in arguments.ready:
        failed |= not _told(url, "ready", _until_ready((url,), end))
    for url in arguments.models:
        for question, answer in _questions(url, end):
            failed |= not _told(url, question, answer)
    return int(failed)


def _questions(url: str, end: float) -> Iterator[tuple[str, Answer]]:
    """Ask everything that there is to ask of one model."""
    parts = urlsplit(url)
    name = parts.path.rpartition("/")[2]
    one, two = (f"{parts.scheme}://{parts.netloc}/{version}/models/{name}" for version in ("v1", "v2"))
    ready = _until_ready((one, f"{two}/ready"), end)
    yield "ready", ready
    if not ready.fine:
        return
    described = _send(two)
    if described.status != 200 or not isinstance(described.body, dict):
        return
    if sample := (described.body.get("parameters") or {}).get("sample_request"):
        yield "V1 predict", _send(f"{one}:predict", sample)
    if inputs := described.body.get("inputs"):
        yield "V2 infer", _send(f"{two}/infer", {"inputs": [_blank(tensor) for tensor in inputs]})


def _until_ready(urls: Sequence[str], end: float) -> Answer:
    """Ask until one of the places says yes: a server may speak one protocol only."""
    while True:
        for url in urls:
            answer = _send(url)
            unready = isinstance(answer.body, dict) and answer.body.get("ready") is False
            if answer.status == 200 and not unready:
                return answer
        if time.monotonic() + PAUSE > end:
            return Answer(0, f"not ready in time: {_short(answer)}")
        time.sleep(PAUSE)


def _blank(tensor: dict[str, Any]) -> dict[str, Any]:
    """Return one row for an input as the model describes it; a free dimension becomes 1."""
    shape = [1 if size < 1 else size for size in tensor["shape"]]
    count = 1
    for size in shape:
        count *= size
    data = [BLANK.get(tensor["datatype"], 0)] * count
    kept: dict[str, Any] = {key: tensor[key] for key in ("name", "datatype", "parameters") if key in tensor}
    return {**kept, "shape": shape, "data": data}


def _send(url: str, body: Any = None) -> Answer:
    content = None if body is None else json.dumps(body).encode()
    try:
        request = urllib.request.Request(url, content, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=LONGEST) as reply:
            return Answer(reply.status, _parsed(reply.read()))
    except urllib.error.HTTPError as error:
        return Answer(error.code, _parsed(error.read()))
    except (OSError, ValueError) as error:
        return Answer(0, str(getattr(error, "reason", error)))


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode(errors="replace")


def _told(url: str, question: str, answer: Answer) -> bool:
    print(f"{'ok  ' if answer.fine else 'FAIL'} {url} {question}: {_short(answer)}", flush=True)
    return answer.fine


def _short(answer: Answer) -> str:
    text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
    return f"{answer.status or 'no answer'} {text[:200]}"
