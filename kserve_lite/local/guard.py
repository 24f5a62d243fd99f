"""Run a command that never outlives the one who asked for it.

Started as a plain file (`python -I -S guard.py COMMAND…`) between `kserve-lite serve` and each process that it
starts. Its standard input is a pipe whose other end the parent holds: when the parent ends in whatever way, `kill -9`
included, the pipe closes and the guard ends the command with everything that it started (one session, one group).
A signal handler in the parent could not do that, and Linux's parent-death signal does not reach grandchildren.
"""

import os
import signal
import subprocess
import sys
import threading
from types import FrameType


def main(command: list[str]) -> int:
    """Run `command` in this process's group; return its exit code, 128 + n when signal n ended it."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def forward(signum: int, frame: FrameType | None) -> None:
        child.send_signal(signum)

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, forward)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    code = child.wait()
    return 128 - code if code < 0 else code


def _end_with_the_parent() -> None:
    while os.read(0, 4096):
        pass
    os.killpg(0, signal.SIGKILL)  # nobody is left to whom an orderly end would matter


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
