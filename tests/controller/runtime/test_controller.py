"""A controller works its queue off and leaves room for everything else in the process."""

import asyncio

from kserve_lite.controller.runtime.controller import Controller
from kserve_lite.controller.runtime.kube import Key
from kserve_lite.controller.runtime.metrics import Metrics


async def test_between_two_looks_that_wait_for_nothing_the_rest_of_the_process_has_its_turn() -> None:
    order: list[str] = []

    async def reconcile(key: Key) -> None:
        order.append(key.name)

    async def renew() -> None:
        while "c" not in order:
            order.append("renewed")
            await asyncio.sleep(0)

    controller = Controller("things", reconcile, Metrics(), workers=1)
    for name in ("a", "b", "c"):
        controller.queue.add(Key("", name))
    working = asyncio.ensure_future(controller.run())
    await renew()
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)

    a, b, c = map(order.index, ("a", "b", "c"))
    assert "renewed" in order[a:b]
    assert "renewed" in order[b:c]
