"""`kserve-lite-storage SRC DEST [SRC DEST...]`: fetch each SRC into its DEST, one after the other."""

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from kserve_lite_server.storage.errors import StorageError
from kserve_lite_server.storage.fetch import fetch
from kserve_lite_server.storage.reporting import Reporter
from kserve_lite_server.storage.storage_config import resolved
from kserve_lite_server.storage.uri import parse

USAGE = """usage: kserve-lite-storage SRC DEST [SRC DEST ...]

Fetch the model at each URI SRC into the folder DEST. Progress goes to stdout as JSON lines.
Credentials and settings come from the environment: see docs/guides/storage.md.
"""


def main(arguments: list[str] | None = None) -> int:
    """Return 0 when everything is there, 1 after a failure, 2 for a wrong command line."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments in (["-h"], ["--help"]):
        print(USAGE, end="")
        return 0
    if not arguments or len(arguments) % 2:
        print(USAGE, end="", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _end)  # process 1 of a container ignores it otherwise
    reporter = Reporter()
    try:
        for uri, dest in zip(arguments[::2], arguments[1::2], strict=True):
            began = time.monotonic()
            manifest = fetch(uri, Path(dest), reporter.progress)
            origin = manifest.origin(resolved(parse(uri), os.environ).shown)
            assert origin is not None
            reporter.done(origin, time.monotonic() - began)
    except StorageError as error:
        reporter.failed(error)
        return 1
    return 0


def run() -> None:
    """Run as a process of its own: it ends without taking its modules apart, which is a tenth of a small fetch."""
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _end(signum: int, frame: FrameType | None) -> None:
    os._exit(128 + signum)  # what is on disk is continued by the next start


if __name__ == "__main__":
    run()
