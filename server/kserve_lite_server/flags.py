"""What the values of flags may be: each reads one text, or says what is wrong with it."""

import argparse
from typing import Any

from kserve_lite_server.cpus import available_cpus


def boolean(text: str) -> bool:
    """True or false, in any of the words that KServe takes."""
    if text.lower() in ("y", "yes", "t", "true", "on", "1"):
        return True
    if text.lower() in ("n", "no", "f", "false", "off", "0"):
        return False
    raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")


def port(text: str) -> int:
    """A port; 0 for any that is free."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to 65535")
    return int(text)


def positive(text: str) -> int:
    """A whole number from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def workers(text: str) -> int:
    """How many worker processes; auto is one a CPU."""
    return available_cpus() if text == "auto" else positive(text)


def whole(text: str) -> int:
    """A whole number from 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0")
    return int(text)


def milliseconds(text: str) -> float:
    """Milliseconds, 0 included."""
    return 0.0 if text.strip("0.") == "" else seconds(text)


def seconds(text: str) -> float:
    """Seconds above 0."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds


def one_of(*choices: str) -> Any:
    """One of these words, in any case."""

    def choose(text: str) -> str:
        for choice in choices:
            if text.lower() == choice.lower():
                return choice
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(choices)}")

    return choose
