"""Every rule of the structural checker refuses what the API server would refuse, and nothing else."""

import copy

import pytest

from generator.checker import check
from tests.generator.faults import BAD, GOOD, GOOD_CHANGES, Change


def test_a_good_crd_has_no_findings() -> None:
    assert check(GOOD) == []


@pytest.mark.parametrize(
    ("rule", "change"), [pytest.param(rule, change, id=f"{n}-{rule}") for n, (rule, change) in enumerate(BAD)]
)
def test_a_fault_is_found_by_its_rule(rule: str, change: Change) -> None:
    crd = copy.deepcopy(GOOD)
    change(crd)
    assert rule in {finding.rule for finding in check(crd)}


@pytest.mark.parametrize("change", GOOD_CHANGES)
def test_what_the_api_server_takes_is_not_found_fault_with(change: Change) -> None:
    crd = copy.deepcopy(GOOD)
    change(crd)
    assert [str(finding) for finding in check(crd)] == []


def test_every_rule_of_the_checker_has_a_fixture_that_breaks_it() -> None:
    from pathlib import Path
    from re import findall

    import generator.checker

    sources = Path(generator.checker.__file__).parent.glob("*.py")
    rules = {rule for source in sources for rule in findall(r'Finding\(\s*"([a-z-]+)"', source.read_text())}
    assert rules == {rule for rule, _ in BAD}
    assert len(BAD) >= 40
