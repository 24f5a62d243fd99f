"""Nodes at work: each takes a request and gives the answer of its steps."""

import asyncio
import json
import zlib
from collections.abc import Coroutine
from typing import Any, Protocol

from kserve_lite_server.errors import ServeError
from kserve_lite_server.graph import conditions
from kserve_lite_server.graph.call import Call
from kserve_lite_server.graph.connection import Asked
from kserve_lite_server.graph.document import Condition, Step
from kserve_lite_server.graph.failure import StepError
from kserve_lite_server.graph.leaf import Leaf
from kserve_lite_server.graph.message import JSON, Message, error_message


class Target(Protocol):
    """What a step leads to: a service or another node."""

    @property
    def streams(self) -> bool:
        """Whether a request's body is read once, by a service, and may be passed on while it arrives."""

    def take(self, call: Call, message: Message, tail: bool) -> Coroutine[Any, Any, Message]:
        """The answer to a request; `tail` when nothing reads it before the client."""


class Part:
    """One step of a node, with what it leads to."""

    __slots__ = ("condition", "hard", "leaf", "maps", "place", "response", "step", "target")

    def __init__(self, node: str, step: Step, target: Target) -> None:
        self.step = step
        self.place = f"{node}.{step.name}"
        self.target = target
        self.leaf = target if isinstance(target, Leaf) else None
        self.condition = step.condition
        self.hard, self.response, self.maps = step.hard, step.response, step.maps

    def take(self, call: Call, message: Message, tail: bool) -> Coroutine[Any, Any, Message]:
        """The answer of what the step leads to."""
        return self._node(call, message, tail) if self.leaf is None else self.leaf.take(call, message, tail)

    async def _node(self, call: Call, message: Message, tail: bool) -> Message:
        """The answer of a node; a refusal inside it is an answer as that of a service is."""
        try:
            return await self.target.take(call, message, tail)
        except ServeError as error:
            return error_message(error)


class Sequence:
    """One after another."""

    def __init__(self, parts: list[Part]) -> None:
        self._parts = parts

    @property
    def streams(self) -> bool:
        """Whether a request's body is read once, by a service."""
        first, *others = self._parts
        return first.target.streams and not first.maps and all(part.response for part in others)

    async def take(self, call: Call, message: Message, tail: bool) -> Message:
        """The last answer; that of a hard step that failed; that before a step whose condition does not hold."""
        answer = message
        last = self._parts[-1]
        for index, part in enumerate(self._parts):
            if (
                index
                and part.condition is not None
                and not _holds(part.condition, answer, part.place, "step_not_json")
            ):
                return answer
            request = answer if part.response else message
            if part.maps:
                request = _mapped(request)
            take = part.take if part.leaf is None else part.leaf.take
            answer = await take(call, request, tail and part is last)
            if part.hard and not answer.good:
                return answer
        return answer


class Switch:
    """The first step whose condition holds for the request."""

    streams = False

    def __init__(self, name: str, parts: list[Part]) -> None:
        self._name, self._parts = name, parts

    def take(self, call: Call, message: Message, tail: bool) -> Coroutine[Any, Any, Message]:
        """That step's answer. Raises `ServeError` no_route when none fits, invalid_json for what is no JSON."""
        for part in self._parts:
            if part.condition is not None and _holds(part.condition, message, part.place, "invalid_json"):
                return part.take(call, message, tail)
        raise StepError(self._name, "no_route", "no step's condition holds for the request")


class Splitter:
    """One step by weight, drawn or by the hash of a header."""

    def __init__(self, name: str, parts: list[Part], header: str) -> None:
        self._slots = [part for part in parts for _ in range(part.step.weight)]
        self._name, self._header = name.encode(), header.encode("latin-1")
        from random import random  # as in pool

        self._draw = random

    @property
    def streams(self) -> bool:
        """Whether a request's body is read once, by a service."""
        return all(part.target.streams for part in self._slots)

    def take(self, call: Call, message: Message, tail: bool) -> Coroutine[Any, Any, Message]:
        """That step's answer."""
        value = call.headers.get(self._header) if self._header else None
        point = int(self._draw() * 100) if value is None else zlib.crc32(self._name + b"\0" + value) % 100
        return self._slots[point].take(call, message, tail)


class Ensemble:
    """All steps at once."""

    streams = False

    def __init__(self, parts: list[Part]) -> None:
        self._parts = parts
        self._keys = [json.dumps(part.step.name, ensure_ascii=False).encode() + b":" for part in parts]

    async def take(self, call: Call, message: Message, tail: bool) -> Message:
        """`{step: answer}` of all; the answer of the first hard step that failed, and then the others are given up."""
        sent: list[Asked | asyncio.Task[Message]] = [self._begin(part, call, message) for part in self._parts]
        bodies: list[bytes] = []
        done = 0
        try:
            for part, key, one in zip(self._parts, self._keys, sent, strict=True):
                if part.leaf is not None and isinstance(one, Asked):
                    done += 1  # from here on the leaf cleans up after itself
                    answer = await part.leaf.finish(call, message, False, one)
                else:
                    answer = await one
                    done += 1
                if part.hard and not answer.good:
                    return answer
                bodies.append(key + _value(part, answer))
        finally:
            for one in sent[done:]:
                _give_up(one)
        return Message(200, JSON, b"{%b}" % b",".join(bodies))

    def _begin(self, part: Part, call: Call, message: Message) -> Asked | asyncio.Task[Message]:
        """Send a request, without a task where a connection is free."""
        if (
            part.leaf is not None
            and not part.leaf.retries
            and (asked := part.leaf.begin(call, message, False))
        ):
            return asked
        return asyncio.ensure_future(part.take(call, message, False))


def _give_up(one: Asked | asyncio.Task[Message]) -> None:
    if isinstance(one, Asked):
        one.connection.abort()
    else:
        one.cancel()


def _holds(condition: Condition, message: Message, place: str, code: str) -> bool:
    try:
        value = message.json()
    except ValueError as error:
        what = "the request" if code == "invalid_json" else "the answer of the step before"
        raise StepError(place, code, f"its condition reads {what}, which is not JSON: {error}") from None
    return conditions.exists(value, condition.path)


def _mapped(message: Message) -> Message:
    """Make the predictions of an answer the instances of the next request; anything else goes on as it is."""
    try:
        value = message.json()
    except ValueError:
        return message
    if (
        not isinstance(value, dict)
        or not isinstance(value.get("predictions"), list)
        or not value["predictions"]
    ):
        return message
    import orjson

    return Message(message.status, JSON, orjson.dumps({"instances": value["predictions"]}))


def _value(part: Part, answer: Message) -> bytes:
    """An answer as a part of the merged one. Raises `StepError` when it is not JSON."""
    try:
        answer.json()
    except ValueError as error:
        raise StepError(part.place, "step_not_json", f"its answer is not JSON: {error}") from None
    return answer.body
