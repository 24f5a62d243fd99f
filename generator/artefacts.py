"""Which files the definitions become: the text of each by its path in the tree."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from generator.chart_yaml import chart_yaml
from generator.crd import HEAD, compact_size, crd
from generator.definition import Schema
from generator.definitions import Definitions
from generator.jsonschemas import DRAFT, json_schema
from generator.markdown import NOTICE
from generator.readme import with_values_table
from generator.reference import kind_page, rules_page
from generator.rights import rights
from generator.runtimes import specs
from generator.sharing import shared
from generator.status import status_page
from generator.support import support_page
from generator.values import values_yaml
from generator.values_schema import values_schema
from generator.yaml_text import to_yaml
from kserve_lite.api.marks import Kind

Crd = dict[str, Any]

BUDGET = 245_000
"""Bytes that a CRD may have: client-side apply stores it in an annotation, whose limit is 262,144 for all together."""

CRDS_IN = "charts/kserve-lite/crds"
"""Helm installs these before anything else, so that models of the same release find their kind."""

FIRST = "InferenceService"
"""Helm makes them in the order of the files. Helm 4 without --wait does not wait for them, and the API server needs
most time for the largest, which the models are of: it comes first."""

SPECS_IN = "charts/kserve-lite-crds/files"
"""Read verbatim by templates, which put the metadata around them; compact, because Helm parses them at each render."""


PACKAGED_IN = "kserve_lite/crds"
"""What `kserve-lite crds apply` applies: the image brings its own CRDs."""

TEMPLATES = Path(__file__).parent / "templates"
SHARING = ("kserve-lite", "kserve-lite-models")


class TooLarge(Exception):
    """A CRD over the budget."""


def crds(definitions: Definitions) -> list[Crd]:
    """Return the CRD of each kind, in the order of the kinds. Raises `TooLarge` over the budget."""
    rendered = [crd(kind, definitions.rules) for kind in definitions.kinds]
    for kind, one in zip(definitions.kinds, rendered, strict=True):
        if (size := compact_size(one)) > BUDGET:
            raise TooLarge(f"{kind.name}: {size:,} bytes of compact JSON, more than {BUDGET:,}")
    return rendered


def artefacts(definitions: Definitions, rendered: Sequence[Crd], root: Path) -> dict[str, str]:
    """Return every generated file; READMEs are read from `root`, only what stands between their markers is ours."""
    files: dict[str, str] = {}
    for kind, one in zip(definitions.kinds, rendered, strict=True):
        files.update(_of_kind(kind, one, definitions))
    for chart, model in definitions.charts.items():
        files.update(_of_chart(f"charts/{chart}", model, root))
        files[f"charts/{chart}/Chart.yaml"] = chart_yaml(chart, list(definitions.kinds))
    files.update(_templates())
    files["charts/kserve-lite/files/runtimes.json"] = _json(specs())
    files["charts/kserve-lite/files/rights.json"] = _json(rights())
    files["docs/reference/validation-rules.md"] = rules_page(definitions.rules)
    files["docs/reference/status.md"] = status_page()
    files["docs/reference/support-matrix.md"] = support_page(rendered, definitions.rules)
    return files


def _of_kind(kind: Kind, rendered: Crd, definitions: Definitions) -> Iterator[tuple[str, str]]:
    text = f"# {NOTICE}\n{to_yaml(rendered)}"
    name = f"{kind.group}_{kind.plural}.yaml"
    yield f"schemas/crds/{name}", text
    yield f"{CRDS_IN}/{'0_' if kind.name == FIRST else ''}{name}", text
    yield f"{SPECS_IN}/{kind.plural}.json", _compact(rendered["spec"])
    yield f"{PACKAGED_IN}/{kind.plural}.json", _compact(rendered)
    yield (
        f"schemas/json/{kind.group}/{kind.name.lower()}_{kind.version}.json",
        _json(_editor_schema(kind, rendered)),
    )
    yield f"docs/reference/{kind.name.lower()}.md", kind_page(kind, definitions.rules)


def _of_chart(folder: str, model: type[BaseModel], root: Path) -> Iterator[tuple[str, str]]:
    readme = f"{folder}/README.md"
    yield f"{folder}/values.yaml", values_yaml(model, NOTICE)
    yield f"{folder}/values.schema.json", _json(shared(values_schema(model, NOTICE)))
    yield readme, with_values_table((root / readme).read_text(encoding="utf-8"), model, readme)


def _templates() -> Iterator[tuple[str, str]]:
    """Templates that several charts share, each a copy: a chart must be whole without a repository of charts."""
    for template in sorted(TEMPLATES.iterdir()):
        text = f"{{{{- /* {NOTICE} */}}}}\n{template.read_text(encoding='utf-8')}"
        for chart in SHARING:
            yield f"charts/{chart}/templates/{template.name}", text


def _editor_schema(kind: Kind, rendered: Crd) -> Schema:
    """The layout that kubeconform and yaml-language-server look for: one document a kind and version."""
    schema = json_schema(rendered["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
    schema["properties"]["apiVersion"] = {"type": "string", "enum": [kind.api_version]}
    schema["properties"]["kind"] = {"type": "string", "enum": [kind.name]}
    schema["required"] = sorted({*HEAD, *schema.get("required", ())})
    return shared({"$schema": DRAFT, "$comment": NOTICE, **schema})


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False) + "\n"
