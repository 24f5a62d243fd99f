"""The server process: settings, models, socket, serve; exit status 0 when all was answered, 1 else, 2 for
usage."""

import os
import sys
from collections.abc import Sequence

from kserve_lite_server.cpus import available_cpus

# Before NumPy loads: no more threads in a calculation than the container may use.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, str(available_cpus()))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a server until a signal ends it."""
    from kserve_lite_server.settings import read_settings

    settings = read_settings(sys.argv[1:] if arguments is None else arguments)
    from kserve_lite_server.run import run

    sys.stdout.flush()
    os._exit(run(settings))  # a predict that outlived the drain must not hold the process


if __name__ == "__main__":
    main()
