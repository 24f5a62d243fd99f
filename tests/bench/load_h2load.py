"""Run h2load for the order on standard input and print what it saw as a line of JSON.

h2load reads no trailers, where gRPC has its status. An error has no data, so too little data for as many replies as
were counted means failures; the harness compares the answers themselves before and after.
"""

import json
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any


def main(h2load: str) -> int:
    order = json.load(sys.stdin)
    with tempfile.TemporaryDirectory() as folder:
        body, log = Path(folder, "body"), Path(folder, "log")
        body.write_bytes(order["body"].encode("latin-1"))
        command = [h2load, "-t1", "-m1", f"-c{order['connections']}", f"-D{order['seconds']}"]
        command += ["--data", str(body), "--log-file", str(log)]
        for name, value in order["headers"].items():
            command += ["-H", f"{name}: {value}"]
        done = subprocess.run([*command, order["url"]], capture_output=True, text=True, check=False)
        if done.returncode:
            sys.stderr.write(done.stdout + done.stderr)
            return done.returncode
        print(json.dumps(seen(done.stdout, log.read_text(), order)))
    return 0


def seen(text: str, log: str, order: dict[str, Any]) -> dict[str, float]:
    """What h2load reports and logs: a line a request with start, HTTP status and microseconds."""
    counts = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", text)
    size = re.search(r"\((\d+)\) data$", text, re.MULTILINE)
    took = sorted(int(line.split("\t")[2]) for line in log.splitlines() if line.split("\t")[1] == "200")
    if counts is None or size is None or not took:
        raise SystemExit(f"h2load says nothing that is known here:\n{text}")
    good, *bad = map(int, counts.groups())
    empty = good - int(size[1]) // order["reply_bytes"]
    return {
        "requests": good,
        "failed": sum(bad) + max(empty, 0),
        "seconds": float(order["seconds"]),
        "p50": statistics.median(took),
        "p99": took[len(took) * 99 // 100],
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
