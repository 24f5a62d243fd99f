"""`kserve-lite validate` as a person runs it."""

import json
import subprocess
import sys
from pathlib import Path

SERVICE = """\
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: iris}
spec: {predictor: {sklearn: {storageUri: gs://models/iris}}}
"""


def validate(*args: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kserve_lite", "validate", *args]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)


def test_clean_files_end_with_0(tmp_path: Path) -> None:
    file = tmp_path / "isvc.yaml"
    file.write_text(SERVICE)

    done = validate(str(file))

    assert (done.returncode, done.stdout, done.stderr) == (0, "no problems; 1 valid object\n", "")


def test_every_error_of_every_file_is_printed_and_ends_with_1(tmp_path: Path) -> None:
    file, missing = tmp_path / "isvc.yaml", tmp_path / "none.yaml"
    file.write_text(SERVICE.replace("storageUri", "storageUrl").replace("spec:", "spek: 1\nspec:"))

    done = validate(str(file), str(missing))

    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        f"{file}:5:30: spec.predictor.sklearn.storageUrl: this field does not exist; "
        "did you mean `storageUri`? [unknown_field]",
        f"{file}:4:1: spek: this field does not exist; did you mean `spec`? [unknown_field]",
        f"{missing}: there is no such file; check the path [file_missing]",
        "3 problems; 0 valid objects",
    ]


def test_json_holds_the_same_for_programs() -> None:
    other = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s3}\n"

    done = validate("-", "--output", "json", stdin=SERVICE + other + "---\nkind: [\n")

    verdict = json.loads(done.stdout)
    assert done.returncode == 1
    assert verdict["valid"] is False
    assert verdict["objects"] == [{"kind": "InferenceService", "namespace": "default", "name": "iris"}]
    assert verdict["skipped"] == [{"object": "Secret s3", "where": "-:6:1"}]
    (problem,) = verdict["problems"]
    assert problem["code"] == "yaml_syntax"
    assert problem["where"] == {"file": "-", "line": 11, "column": 1}


def test_wrong_usage_ends_with_2() -> None:
    assert validate().returncode == 2
    assert validate("--output", "xml", "a.yaml").returncode == 2


def test_help_shows_examples() -> None:
    assert "kserve-lite validate isvc.yaml" in validate("--help").stdout
