"""Ask the servers of a service which models they have."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

import aiohttp

from kserve_lite.controller.runtime.kube import Object
from kserve_lite.controller.trainedmodel.status import Said
from kserve_lite.resolve.multimodel import reports

log = logging.getLogger(__name__)
PATIENCE = 3.0


def addresses(pods: Iterable[Object], port: int) -> list[str]:
    """Return where the running pods of a predictor answer."""
    return [
        f"{_host(pod['status']['podIP'])}:{port}"
        for pod in pods
        if pod["status"].get("podIP")
        and pod["status"].get("phase") == "Running"
        and "deletionTimestamp" not in pod["metadata"]
        and (pod["metadata"].get("labels") or {}).get("component") == "predictor"
    ]


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


async def ask(places: Iterable[str]) -> list[Said]:
    """Return what each server that answers says of its models; who does not answer is left out."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE)) as client:
        said = await asyncio.gather(*(_ask(client, place) for place in places))
    return [one for one in said if one is not None]


async def _ask(client: aiohttp.ClientSession, place: str) -> Said | None:
    try:
        async with client.post(f"http://{place}/v2/repository/index") as reply:
            listed = await reply.json()
        return reports(listed)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        log.info("the models of %s: %s", place, error)
        return None
