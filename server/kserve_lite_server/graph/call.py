"""One request on its way through the graph."""

from kserve_lite_server.graph.heads import RequestHead


class Call:
    """What every step of one request shares."""

    __slots__ = ("forwarded", "headers", "trace")

    def __init__(self, head: RequestHead) -> None:
        self.forwarded = head.forwarded
        self.headers = head.headers
        self.trace: list[str] | None = [] if head.traced else None
        """One entry a step in the order of their ends, when the caller asks for it."""
