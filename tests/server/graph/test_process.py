"""The router as it is started in a pod: flags, file, reload, end."""

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

from tests.server.graph.backend import answer, backend, constant, graph
from tests.server.graph.test_nodes import post


@contextlib.asynccontextmanager
async def started(file: Path, *flags: str) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """A router process that answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    arguments = ["--graph", str(file), "--host", "127.0.0.1", "--http_port", str(port), *flags]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "kserve_lite_server.graph", *arguments, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(20), aiohttp.ClientSession() as client:
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    async with client.get(url + "/readyz") as reply:
                        if reply.status == 200:
                            break
                await asyncio.sleep(0.05)
        yield url, process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def one(url: str, **more: Any) -> str:
    return json.dumps(graph({"type": "Sequence", "steps": [{"name": "a", "url": url}]}, **more))


async def test_a_changed_file_is_taken_without_a_failed_request_and_a_bad_one_is_refused(
    tmp_path: Path,
) -> None:
    # As the kubelet does it: the file is a link through a link to a folder that is swapped.
    for number in (1, 2, 3):
        (tmp_path / f"v{number}").mkdir()
    os.symlink("v1", tmp_path / "data")
    os.symlink("data/graph.json", tmp_path / "graph.json")

    def swap(to: str) -> None:
        os.symlink(to, tmp_path / "next")
        os.replace(tmp_path / "next", tmp_path / "data")

    async with backend(constant("old")) as old, backend(constant("new")) as new:
        (tmp_path / "v1" / "graph.json").write_text(one(old.url))
        (tmp_path / "v2" / "graph.json").write_text(one(new.url, timeout=9))
        (tmp_path / "v3" / "graph.json").write_text('{"name": "g", "nodes": {}}')
        async with started(tmp_path / "graph.json", "--log_format", "text") as (url, process):
            assert await post(url, {}) == (200, "old")
            swap("v2")
            seen = "old"
            async with asyncio.timeout(10):
                while seen == "old":
                    status, seen = await post(url, {})
                    assert status == 200
            swap("v3")
            assert process.stderr is not None
            async with asyncio.timeout(10):
                while b"refused" not in (line := await process.stderr.readline()):
                    pass
            assert b"no node root" in line
            assert await post(url, {}) == (200, "new")


async def test_the_end_waits_for_running_requests_and_shows_in_readiness(tmp_path: Path) -> None:
    go_on = asyncio.Event()

    async def slow(request: Any) -> bytes:
        await go_on.wait()
        return answer({})

    async with backend(slow) as service, aiohttp.ClientSession() as client:
        (tmp_path / "graph.json").write_text(one(service.url))
        async with started(tmp_path / "graph.json") as (url, process):
            asking = asyncio.ensure_future(post(url, {}))
            while not service.seen:
                await asyncio.sleep(0.01)
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(10):
                while True:
                    async with client.get(url + "/readyz") as reply:
                        if reply.status == 503:
                            break
            go_on.set()
            assert await asking == (200, {})
            assert await process.wait() == 0


async def test_a_file_that_is_no_graph_ends_the_start_with_a_sentence(tmp_path: Path) -> None:
    for text, says in (
        ("{", "not JSON"),
        (one("ftp://x"), "root.a"),
        ('{"name":"g","nodes":{"a":{"type":"X","steps":[{"url":"http://a"}]}}}', "no type"),
    ):
        (tmp_path / "graph.json").write_text(text)
        process = await asyncio.create_subprocess_exec(
            *(
                sys.executable,
                "-m",
                "kserve_lite_server.graph",
                "--graph",
                str(tmp_path / "graph.json"),
                "--http_port",
                "0",
            ),
            stderr=asyncio.subprocess.PIPE,
        )
        _, errors = await process.communicate()

        assert process.returncode == 1
        assert says in errors.decode()
        assert "[graph_invalid]" in errors.decode()


async def test_it_starts_without_the_model_server(tmp_path: Path) -> None:
    heavy = "{'numpy', 'sklearn', 'uvicorn', 'prometheus_client'}"
    script = f"import sys, kserve_lite_server.graph.__main__; print(sorted({heavy} & set(sys.modules)))"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()

    assert output.decode().strip() == "[]"


def test_a_start_imports_nothing_that_only_some_graphs_need() -> None:
    script = "from kserve_lite_server.graph.__main__ import read_settings; read_settings(['--graph=g'])"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", script],
        capture_output=True,
        text=True,
        check=True,
    )
    imported = set(re.findall(r"^import time:.*\|\s*([\w.]+)$", done.stderr, re.MULTILINE))

    assert {"asyncio", "httptools", "kserve_lite_server.graph.leaf"} <= imported
    spared = {"argparse", "dataclasses", "datetime", "gettext", "http", "orjson", "pathlib", "prometheus_client",
              "random", "shutil"}  # fmt: skip
    assert imported & spared == set()
