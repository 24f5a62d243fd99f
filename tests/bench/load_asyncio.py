"""The load generator where wrk is not installed: reads an order on standard input, prints a line of JSON."""

import asyncio
import json
import sys
import time
from urllib.parse import urlsplit

import httptools
import uvloop


class Connection(asyncio.Protocol):
    """Sends the request again as soon as its answer is complete, until the deadline."""

    def __init__(self, request: bytes, deadline: float) -> None:
        self.request = request
        self.deadline = deadline
        self.latencies: list[float] = []
        self.failed = 0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.WriteTransport) -> None:  # type: ignore[override]
        self.transport = transport
        self.send()

    def send(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.sent = time.perf_counter()
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        now = time.perf_counter()
        self.latencies.append(now - self.sent)
        self.failed += self.parser.get_status_code() >= 400
        if now < self.deadline:
            asyncio.get_running_loop().call_soon(self.send)
        elif not self.done.done():
            self.done.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.failed += 1
            self.done.set_result(None)


async def main() -> None:
    order = json.load(sys.stdin)
    url, body = urlsplit(order["url"]), order["body"].encode("latin-1")
    headers = {"Host": url.netloc, "Content-Length": str(len(body)), **order["headers"]}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    request = f"POST {url.path} HTTP/1.1\r\n{head}\r\n".encode() + body
    start = time.perf_counter()
    loop = asyncio.get_running_loop()
    connections = []
    for _ in range(order["connections"]):
        _, connection = await loop.create_connection(
            lambda: Connection(request, start + order["seconds"]), url.hostname, url.port
        )
        connections.append(connection)
    await asyncio.gather(*(connection.done for connection in connections))
    seconds = time.perf_counter() - start
    latencies = sorted(latency for connection in connections for latency in connection.latencies)
    failed = sum(connection.failed for connection in connections)
    result = {"requests": len(latencies), "failed": failed, "seconds": seconds}
    print(json.dumps(result | {f"p{p}": percentile(latencies, p) * 1e6 for p in (50, 99)}))


def percentile(ordered: list[float], percent: int) -> float:
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else 0.0


if __name__ == "__main__":
    uvloop.run(main())
