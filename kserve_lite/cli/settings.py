"""The controller's settings from their file."""

from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from kserve_lite.api.config import Config
from kserve_lite.api.faults import faults
from kserve_lite.api.problems import Place, Problem


def settings(file: Path | None, wrong: list[Problem]) -> Config:
    """Read the settings; what is wrong with them is added to `wrong`, with line and remedy."""
    if file is None:
        return Config()
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        message = f"{file}: {error.strerror}"
        wrong.append(Problem("file_unreadable", "--config", message, "check the path", Place(str(file))))
        return Config()
    from kserve_lite.api.yaml import parse

    documents = list(parse(text, str(file)))
    for document in documents:
        wrong += document.problems
    if wrong or not documents or documents[0].value is None:
        return Config()
    try:
        return Config.model_validate(documents[0].value, by_name=False)
    except ValidationError as error:
        found = faults(error, Config)
        wrong += [replace(problem, where=documents[0].place(problem.path)) for problem in found]
    return Config()
