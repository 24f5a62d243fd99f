"""The server process: settings, models, socket, serve; exit status 0 when all was answered, 1 else, 2 for
usage."""

import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from kserve_lite_server.cpus import available_cpus

# What a library reads when it is imported, and never again.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a server until a signal ends it."""
    from kserve_lite_server.settings import read_settings

    settings = read_settings(sys.argv[1:] if arguments is None else arguments)
    for variable in THREADS:  # no more threads in a calculation than the container may use
        os.environ.setdefault(variable, str(available_cpus() if settings.workers == 1 else 1))
    os.environ.pop(METRICS_FOLDER, None)
    folder = tempfile.mkdtemp(prefix="kserve-lite-metrics-") if settings.workers > 1 else None
    if folder:
        os.environ[METRICS_FOLDER] = folder
    fetched = tempfile.mkdtemp(prefix="kserve-lite-models-") if settings.model_uri else None
    if fetched:
        settings = replace(settings, model_dir=Path(fetched))
    from kserve_lite_server.sklearn.later import put_off_pandas
    from kserve_lite_server.sklearn.touch import import_on_touch

    put_off_pandas()
    # Workers share what is imported before they are forked; what they touch, each would import.
    if settings.workers == 1:
        import_on_touch()
    from kserve_lite_server.run import run

    status = run(settings)
    for made in filter(None, (folder, fetched)):
        shutil.rmtree(made, ignore_errors=True)
    sys.stdout.flush()
    os._exit(status)  # a predict that outlived the drain must not hold the process


if __name__ == "__main__":
    main()
