"""One running version of a service: its files fetched, its server started, its model asked whether it answers."""

import asyncio
import contextlib
import json
import re
import shutil
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

from kserve_lite.api.problems import Problem
from kserve_lite.local import ports
from kserve_lite.local.events import Log, Phase, Progress, Report
from kserve_lite.local.gateway import Backend
from kserve_lite.local.part import LOOPBACK, Fetch, Part, Place, protocol_of
from kserve_lite.local.plan import Plan
from kserve_lite.local.process import Process
from kserve_lite.resolve import multimodel
from kserve_lite.resolve.effective import Role

_EXPLAIN = re.compile(r"^/v1/models/[^/]+:explain$|^/v2/models/[^/]+(/versions/[^/]+)?/explain$")
_FIRST_LOOK, _LONGEST_LOOK = 0.02, 0.5
_STILL_LOADING = 10.0
_LONGEST_SAMPLE = 2000
_LAST_WORD = re.compile(r"kserve-lite-server: error: (?P<sentence>.*?)(?: \[(?P<code>\w+)\])?$")


class CannotServe(Exception):
    """This version never answered."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class Instance:
    """A version of a service from its start to its end; `folder` is its own and goes with it."""

    def __init__(self, plan: Plan, folder: Path, report: Report, log_format: str = "text") -> None:
        """Nothing happens before `start`."""
        self.plan = plan
        self.backend: Backend
        self._folder = folder
        self._report = report
        self._log_format = log_format
        self._processes: list[Process] = []
        self._ready = False

    @property
    def running(self) -> bool:
        """Whether everything answered, and none of it has ended since."""
        return self._ready and all(process.alive for process in self._processes)

    async def start(self) -> None:
        """Fetch, start and wait until the model answers. Raises `CannotServe`; then nothing of it is left running."""
        started = time.monotonic()
        try:
            self._folder.mkdir(parents=True)
            for part in self.plan.parts:
                self._lay_out(part)
                for fetch in part.fetches:
                    self._report(Phase(self.plan.key, "Downloading", fetch.uri))
                    await self._fetch(part, fetch)
            self._list_models()
            self._report(Phase(self.plan.key, "Loading", self.plan.runtime))
            await self.launch()
        except BaseException:
            await self.stop(grace=0.5)
            raise
        self._report(Phase(self.plan.key, "Ready", milliseconds=round((time.monotonic() - started) * 1000)))

    async def launch(self) -> None:
        """Start every process on the files that are there, and wait until all answer. Raises `CannotServe`.

        The predictor comes first: the others ask it, and may do so when they start.
        """
        await self._end_all(grace=0.5)
        self._ready = False
        numbers = ports.free(2 * len(self.plan.parts))
        at = {part.role: numbers[2 * i : 2 * i + 2] for i, part in enumerate(self.plan.parts)}
        urls = {role: URL.build(scheme="http", host=LOOPBACK, port=rest) for role, (rest, _) in at.items()}
        self.backend = Backend(urls["predictor"], self.plan.timeout, partial(_target, self.plan, urls))
        first, *others = self.plan.parts
        await self._launch(first, at, urls)
        await asyncio.gather(*(self._launch(part, at, urls) for part in others))
        self._ready = True

    async def _launch(self, part: Part, at: Mapping[Role, list[int]], urls: Mapping[Role, URL]) -> None:
        """Start one process and wait until it answers. Raises `CannotServe`."""
        http_port, grpc_port = at[part.role]
        rest, grpc = at["predictor"]
        predictor = f"{LOOPBACK}:{grpc if protocol_of(part.args) == 'grpc-v2' else rest}"
        explainer = f"{LOOPBACK}:{at['explainer'][0]}" if "explainer" in at else ""
        place = Place(http_port, grpc_port, predictor, explainer)
        name = self.plan.key if part.role == "predictor" else f"{self.plan.key} {part.role}"
        process = await Process.start(
            part.command(self._folder, place, self._log_format),
            part.environment(self._folder, place, self._log_format),
            part.folder or self._folder,
            lambda line: self._report(Log(name, line)),
        )
        self._processes.append(process)
        ended = asyncio.create_task(process.wait())
        asked = asyncio.create_task(self._until_ready(urls[part.role].join(URL(part.probe))))
        try:
            await asyncio.wait({ended, asked}, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                raise CannotServe(_why_it_ended(part, ended.result(), list(process.tail)))
            asked.result()
        finally:
            asked.cancel()
            ended.cancel()

    async def sample(self) -> str | None:
        """Return a request body that fits the model, if its server can say one and nothing changes it on the way."""
        if self.plan.entry != "predictor":
            return None
        url = self.backend.url.join(
            URL(f"/v2/models/{quote(self.plan.route.names[0], safe='')}", encoded=True)
        )
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as client,
                client.get(url) as answer,
            ):
                body = (await answer.json())["parameters"]["sample_request"]
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError):
            return None  # a courtesy: the model answers all the same
        text = json.dumps(body, ensure_ascii=False)
        return text if body and len(text) <= _LONGEST_SAMPLE else None

    async def ended(self) -> int:
        """Wait for the first process to end, expected or not, and return its exit code."""
        waits = [asyncio.create_task(process.wait()) for process in self._processes]
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
        finally:
            for wait in waits:
                wait.cancel()

    async def retire(self, grace: float) -> None:
        """Let running requests finish, then end the server and remove its folder. No new request may come."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self.backend.idle.wait()
        await self.stop(grace)

    async def stop(self, grace: float) -> None:
        """End the server, by force after `grace` seconds, and remove what was fetched."""
        await self._end_all(grace)
        shutil.rmtree(self._folder, ignore_errors=True)

    async def _end_all(self, grace: float) -> None:
        """End every process."""
        await asyncio.gather(*(process.stop(grace) for process in self._processes))
        self._processes.clear()

    def _lay_out(self, part: Part) -> None:
        """Write the texts that a pod would find in its volumes."""
        folders = part.folders(self._folder)
        for files in part.files:
            folder = folders[files.mount_path]
            folder.mkdir(parents=True)
            for name, text in files.texts:
                (folder / name).write_text(text, encoding="utf-8")

    def assign(self, plan: Plan) -> None:
        """Serve the models of a plan that differs in nothing else."""
        self.plan = plan
        if self._folder.exists():
            self._list_models()

    def _list_models(self) -> None:
        """Put the list of TrainedModels in place as a whole; the server reads it again."""
        if self.plan.models is not None:
            folder = self.plan.parts[0].folders(self._folder)[multimodel.FOLDER]
            draft = folder / f"{multimodel.FILE}.next"
            draft.write_text(self.plan.models.text, encoding="utf-8")
            draft.replace(folder / multimodel.FILE)

    async def _fetch(self, part: Part, fetch: Fetch) -> None:
        target = part.folders(self._folder)[fetch.mount_path]
        last: dict[str, Any] = {}

        def told(line: str) -> None:
            with contextlib.suppress(ValueError):
                last.update(json.loads(line))
            if last.get("phase") == "downloading":
                self._report(Progress(self.plan.key, fetch.uri, last["bytes"], last["total"], last["files"]))

        process = await Process.start(
            [sys.executable, "-m", "kserve_lite_server.storage", fetch.uri, str(target)],
            dict(part.env),
            self._folder,
            on_line=lambda line: None,  # the same once more, for a person; its tail tells of a crash
            on_output=told,
        )
        self._processes.append(process)
        code = await process.wait()
        self._processes.remove(process)
        if last.get("phase") == "failed":
            raise CannotServe(
                Problem(last["code"], fetch.path, _sentence(last["message"]), _sentence(last["remedy"]))
            )
        if code:
            tail = " / ".join(list(process.tail)[-3:]) or "it said nothing"
            message = f"fetching {fetch.uri} ended with code {code}: {tail}"
            raise CannotServe(Problem("storage_failed", fetch.path, message))

    async def _until_ready(self, url: URL) -> None:
        """Return when `url` is answered 200: the question that the pod's probe asks."""
        pause, waited = _FIRST_LOOK, time.monotonic()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as client:
            while True:
                with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                    async with client.get(url) as answer:
                        if answer.status == 200:
                            return
                await asyncio.sleep(pause)
                pause = min(pause * 1.3, _LONGEST_LOOK)
                if time.monotonic() - waited > _STILL_LOADING:
                    waited = time.monotonic()
                    self._report(Phase(self.plan.key, "Loading", "still, the model does not answer yet"))


def _sentence(text: str) -> str:
    return text.strip().removesuffix(".")


def _target(plan: Plan, urls: Mapping[Role, URL], host: str, path: str) -> URL:
    """Where a request goes: to the component that the host names, explanations to the explainer, else to the entry."""
    for part in plan.parts:
        if host in part.names or host.startswith(f"{part.names[-1]}."):
            return urls[part.role]
    if "explainer" in urls and _EXPLAIN.search(path):
        return urls["explainer"]
    return urls[plan.entry]


def _why_it_ended(part: Part, code: int, tail: list[str]) -> Problem:
    """Read the server's last word, `kserve-lite-server: error: <sentence> [<code>]`, or pass on its last line."""
    for line in reversed(tail):
        if said := _LAST_WORD.match(line):
            message, _, remedy = said["sentence"].partition("; ")
            return Problem(said["code"] or "server_refused", part.field, message, remedy)
    last = next((line for line in reversed(tail) if line.strip()), "it said nothing")
    message = f"the {part.role} ended with code {code} before the model answered: {last}"
    return Problem("model_not_loaded", part.field, message, "its log above says more")
