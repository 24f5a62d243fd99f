"""From a file to a fitted estimator, with a sentence for everything that can go wrong on the way."""

import logging
import warnings
from pathlib import Path
from typing import Any

import joblib

from kserve_lite_server.errors import ServeError

log = logging.getLogger(__name__)


def load_estimator(path: Path) -> Any:
    """Load the file. Raises `ServeError` naming the file, the cause (a missing module by name) and the
    remedy."""
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            estimator = joblib.load(path)
    except ModuleNotFoundError as error:
        raise ServeError(
            "model_module_missing",
            f"{path} needs the Python module {error.name}, which is not installed here; "
            f"add it to the server's image or environment, or fit the model without it",
        ) from error
    except MemoryError:
        raise ServeError(
            "model_file_unreadable", f"{path} needs more memory than there is; raise the memory limit"
        ) from None
    except Exception as error:  # a pickle runs code: anything may come out of it
        raise ServeError(
            "model_file_unreadable",
            f"{path} cannot be loaded: {type(error).__name__}: {error}; save the model again with "
            "joblib.dump",
        ) from error
    for warning in caught:
        log.warning("%s: %s", path, " ".join(str(warning.message).split()))
    return estimator
