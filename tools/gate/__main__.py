"""`python -m tools.gate [all | SECTION…]`: run the gate, every section there is, or some of them, and count."""

import signal
import sys

from tools.errors import ToolError
from tools.gate.run import Gate
from tools.gate.sections import SECTIONS, Section


def main(names: list[str]) -> int:
    """Run the named sections, or all; return the exit status."""
    gate = Gate()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup goes on when its terminal goes
            signal.signal(number, lambda *_: gate.stop.set())
    try:
        return 0 if gate.run(choose(names)) else 1
    except ToolError as error:
        print(error, file=sys.stderr)
        return 2


def choose(names: list[str]) -> list[Section]:
    """Return the sections of these names in the gate's order; without names those of a landing, by `all` every one."""
    known = [section.name for section in SECTIONS]
    if names in ([], ["all"]):
        return [section for section in SECTIONS if section.landing or names]
    if unknown := sorted(set(names) - set(known)):
        raise ToolError(f"the gate has no section {', '.join(unknown)}", f"take some of {', '.join(known)}")
    return [section for section in SECTIONS if section.name in names]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
