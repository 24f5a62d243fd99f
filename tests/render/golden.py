"""The golden files: inputs as users write them, and the children that they come to; `make golden` writes them anew."""

import argparse
from io import StringIO
from pathlib import Path

from ruamel.yaml import YAML

from kserve_lite.api.manifests import read
from kserve_lite.cli import wanted
from kserve_lite.cli.render import _Spelt
from kserve_lite.render import render
from kserve_lite.resolve.effective import Effective
from kserve_lite.resolve.pin import PIN, PODS
from kserve_lite.resolve.service import resolve

FOLDER = Path(__file__).parent / "golden"


def cases() -> list[Path]:
    """Return the folders, one a case."""
    return sorted(path.parent for path in FOLDER.glob("*/input.yaml"))


def children(case: Path) -> str:
    """Return the children of a case's service, and its notices, as the golden file has them."""
    config = case / "config.yaml"
    arguments = argparse.Namespace(
        runtimes=[], config=config if config.exists() else None, namespace="default"
    )
    asked = wanted.wanted(read([case / "input.yaml"]), arguments)
    assert not asked.problems, "\n".join(map(str, asked.problems))
    text = StringIO()
    yaml = YAML()
    yaml.Representer = _Spelt
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 4096
    for service in asked.services:
        effective = resolve(service.written, asked.runtimes(service.written.namespace), asked.config)
        assert isinstance(effective, Effective), "\n".join(map(str, effective))
        text.write("".join(f"# {notice}\n" for notice in effective.notices))
        text.write(f"# answers at {effective.url}\n")
        objects = render(effective, asked.config)
        for one in objects:  # a line of kilobytes, which tests/resolve/test_pin.py is about
            if PIN in (annotations := one["metadata"].get("annotations", {})):
                annotations[PIN] = "{…}"
                del annotations[PODS]
        yaml.dump_all(objects, text)
    return text.getvalue()


def main() -> None:
    """Write every case's children."""
    for case in cases():
        (case / "children.yaml").write_text(children(case))


if __name__ == "__main__":
    main()
