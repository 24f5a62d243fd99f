"""How much of a description goes where: CRDs carry the first sentence, everything else the whole text."""

import re


def first_sentence(text: str) -> str:
    """Return the first sentence of `text` on one line; "e.g." and "v1.2" do not end one."""
    flat = one_line(text)
    end = re.search(r"(?<!e\.g)(?<!i\.e)[.!?](?= [A-Z`])", flat)
    return flat[: end.end()] if end else flat


def one_line(text: str) -> str:
    """Return `text` with every run of white space as one space."""
    return " ".join(text.split())
