"""Why a definition cannot become a file: the Python field, the reason, the remedy."""


class Refused(Exception):
    """A definition that no structural schema can carry; names the field as Python spells it."""

    def __init__(self, field: str, reason: str, remedy: str) -> None:
        self.field = field
        self.reason = reason
        self.remedy = remedy
        super().__init__(f"{field}: {reason}; {remedy}")
