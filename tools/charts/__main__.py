"""`python -m tools.charts`: lint and test the charts' templates, and print what was counted."""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tools.build import program
from tools.charts import coverage, values
from tools.charts.suites import CHARTS, bare, cases, count, refused

NAMES = ("kserve-lite-crds", "kserve-lite-models", "kserve-lite")


def main() -> int:
    """Run everything; 1 when something is wrong."""
    begun = time.monotonic()
    faults = [*_lint(), *_unit_tests(), *_branches(), *_values()]
    for fault in faults:
        print(f"FAULT {fault}")
    print(f"charts: {len(faults)} faults, {time.monotonic() - begun:.0f} s")
    return 1 if faults else 0


def _lint() -> list[str]:
    faults = []
    for helm in ("helm3", "helm"):
        done = _run(helm, "lint", "--strict", *(str(CHARTS / name) for name in NAMES))
        if done.returncode:
            faults.append(f"{helm} lint --strict:\n{done.stdout}{done.stderr}")
    print("lint --strict: 3 charts, Helm 3 and 4")
    return faults


def _unit_tests() -> list[str]:
    """Run all suites; Helm asks the big chart's schema, most of a render's time, in the schema's own suite alone."""
    *small, big = NAMES
    with tempfile.TemporaryDirectory() as folder:
        copy = bare(big, Path(folder))
        others = shutil.ignore_patterns("schema_test.yaml")
        shutil.copytree(CHARTS / big / "tests", copy / "tests", ignore=others)
        run = ("helm-unittest", "--strict")
        runs = [
            _run(*run, str(copy)),
            _run(*run, "--file", "tests/schema_test.yaml", str(CHARTS / big)),
            _run(*run, *(str(CHARTS / name) for name in small)),
        ]
    counted = [count(name) for name in NAMES]
    print(
        f"unit tests: {sum(all_ for all_, _ in counted)} cases, {sum(fail for _, fail in counted)} failedTemplate"
    )
    judged = [case for case in cases(big) if case.suite != "schema"]
    return [
        *(run.stdout + run.stderr for run in runs if run.returncode),
        *(f"{case.name}: {fault}" for case in judged for fault in refused(big, case)),
    ]


def _branches() -> list[str]:
    """A template that two charts share is covered where either covers it."""
    reports = {name: coverage.measure(name) for name in NAMES}
    missed = {name: set(report.missed) for name, report in reports.items()}
    shared = {f"{name}:" for name in ("_models.tpl",)}
    only_main = {one for one in missed["kserve-lite-models"] if one.startswith(tuple(shared))}
    missed["kserve-lite-models"] -= only_main - missed["kserve-lite"]
    branches = sum(report.branches for report in reports.values())
    left = [
        f"branch never rendered: {name}/templates/{one}" for name in NAMES for one in sorted(missed[name])
    ]
    print(
        f"branches: {branches - len(left)} of {branches} rendered, {sum(r.renders for r in reports.values())} renders"
    )
    return left


def _values() -> list[str]:
    faults = []
    for name in NAMES:
        faults += [f"{name}: no template uses {path}" for path in values.unused(name)]
        faults += [
            f"{name}: values.yaml does not declare what is read: {path}" for path in values.undeclared(name)
        ]
    print(f"values, both ways: {values.checked()} leaves, {len(values.UNUSED)} exceptions")
    return faults


def _run(name: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([str(program(name)), *arguments], capture_output=True, text=True, check=False)


if __name__ == "__main__":
    sys.exit(main())
