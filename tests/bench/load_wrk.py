"""Run wrk for the order on standard input and print what it saw as a line of JSON."""

import json
import os
import sys
import tempfile

SCRIPT = """
local file = io.open(os.getenv("BENCH_BODY"), "rb")
wrk.method = "POST"
wrk.body = file:read("*a")
file:close()
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "failed": %d, "seconds": %.6f, "p50": %.1f, "p99": %.1f}\\n',
    summary.requests, errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    summary.duration / 1e6, latency:percentile(50), latency:percentile(99)))
end
"""


def main(wrk: str) -> int:
    order = json.load(sys.stdin)
    with tempfile.TemporaryDirectory() as folder:
        script, body = os.path.join(folder, "order.lua"), os.path.join(folder, "body")
        with open(script, "w") as lua:
            lua.write(SCRIPT)
        with open(body, "wb") as data:
            data.write(order["body"].encode("latin-1"))
        os.environ["BENCH_BODY"] = body
        # A peer may need seconds for each of 64 requests at once; wrk calls two seconds a failure.
        command = [wrk, "-t1", "--timeout", "20s", f"-c{order['connections']}", f"-d{order['seconds']}s"]
        command += ["-s", script]
        for name, value in order["headers"].items():
            command += ["-H", f"{name}: {value}"]
        return os.spawnv(os.P_WAIT, wrk, [*command, order["url"]])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
