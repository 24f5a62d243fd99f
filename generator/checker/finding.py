"""One thing wrong with a CRD: rule, place, sentence."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """`rule` is stable and named in tests; `path` is a JSON path below the schema or the CRD."""

    rule: str
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path or '<root>'}: {self.message} [{self.rule}]"
