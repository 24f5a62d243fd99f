"""What a tool says when it cannot go on: what is wrong and what to do about it."""


class ToolError(Exception):
    """A failure that the person at the keyboard can mend."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message}\n  remedy: {remedy}")
        self.message = message
        self.remedy = remedy
