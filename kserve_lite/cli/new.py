"""`kserve-lite new`: a working project for a transformer, explainer or predictor of one's own, with its test."""

import argparse
import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import kserve_lite
from kserve_lite.api.problems import Problem
from kserve_lite.cli import problems

KINDS = ("transformer", "explainer", "predictor")
EXAMPLES = """\
examples:
  kserve-lite new transformer clean-text    writes clean-text/: code, test, InferenceService, Dockerfile
  kserve-lite new predictor my-model --to . writes my-model/ here
"""
# As the rules of an InferenceService have it.
NAME = re.compile(r"[a-z]([-a-z0-9]{0,49}[a-z0-9])?")


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "new",
        help="write a project for a transformer, explainer or predictor",
        description="Write a working project: code by KServe's SDK, its test, an InferenceService, a Dockerfile.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("kind", choices=KINDS, help="what it is")
    parser.add_argument("name", metavar="NAME", help="name of the InferenceService and of the folder")
    parser.add_argument(
        "--to", type=Path, default=Path(), metavar="FOLDER", help="where its folder goes (default: here)"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the project; 1 when the name does not do or something is there already."""
    folder: Path = arguments.to / arguments.name
    if not NAME.fullmatch(arguments.name):
        message = f"'{arguments.name}' cannot be the name of an InferenceService"
        remedy = "begin with a letter and use at most 51 lower-case letters, digits and -"
        return _refuse(Problem("invalid_name", "NAME", message, remedy))
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        return _refuse(Problem("folder_exists", "NAME", f"{folder} is there already", "choose another name"))
    except OSError as error:
        return _refuse(
            Problem("folder_refused", "--to", f"{folder} cannot be made: {error.strerror}", "choose another")
        )
    templates = files("kserve_lite.cli") / "templates"
    for source in (*_within(templates / "common"), *_within(templates / arguments.kind)):
        (folder / source.name).write_text(
            filled(source.read_text(encoding="utf-8"), arguments), encoding="utf-8"
        )
    print(f"{folder}: {', '.join(sorted(file.name for file in folder.iterdir()))}")
    print(f"next: cd {folder} && pip install -r requirements.txt pytest && pytest")
    return 0


def filled(text: str, arguments: argparse.Namespace) -> str:
    """Put name, kind and version in the place of the words that stand for them."""
    words = {"NAME": arguments.name, "KIND": arguments.kind, "VERSION": kserve_lite.__version__}
    return re.sub(r"\b(NAME|KIND|VERSION)\b", lambda match: words[match[0]], text)


def _within(folder: Traversable) -> list[Traversable]:
    return [file for file in folder.iterdir() if file.is_file()]


def _refuse(problem: Problem) -> int:
    problems.show([problem], "text")
    return 1
