"""YAML is read as kubectl reads it, with places, and what cannot be read is said."""

import pytest

from kserve_lite.api.yaml import parse


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        pytest.param("yes", True, id="yes is a boolean"),
        pytest.param("off", False, id="off is a boolean"),
        pytest.param("'yes'", "yes", id="quoted text stays text"),
        pytest.param("!!str 1", "1", id="tagged text stays text"),
        pytest.param("010", 8, id="a leading zero is octal"),
        pytest.param("0x1F", 31, id="hexadecimal"),
        pytest.param("-5", -5, id="negative"),
        pytest.param("1_000", 1000, id="grouped"),
        pytest.param("1.20", 1.2, id="fraction"),
        pytest.param("1e3", 1000.0, id="exponent"),
        pytest.param("~", None, id="nothing"),
        pytest.param("2024-01-01", "2024-01-01", id="a date stays text"),
        pytest.param("1:30", "1:30", id="no sexagesimals"),
        pytest.param("1.2.3", "1.2.3", id="a version stays text"),
    ],
)
def test_a_scalar_means_what_it_means_to_kubectl(written: str, meant: object) -> None:
    (document,) = parse(f"a: {written}", "f.yaml")

    assert document.value == {"a": meant}
    assert type(document.value["a"]) is type(meant)


def test_every_key_and_item_has_its_place() -> None:
    (document,) = parse("spec:\n  containers:\n    - name: a\n      env: [{name: X}]\n", "f.yaml")

    assert str(document.place("spec.containers[0].name")) == "f.yaml:3:7"
    assert str(document.place("spec.containers[0].env[0].name")) == "f.yaml:4:14"
    assert str(document.place("spec.containers[0].image")) == "f.yaml:3:7", (
        "what is missing stands at its parent"
    )


def test_empty_documents_are_passed_over() -> None:
    assert [document.value for document in parse("# nothing\n---\n---\na: 1\n---\n", "f.yaml")] == [{"a": 1}]


def test_json_is_read_too() -> None:
    (document,) = parse('{"a": {"b": [1, null, true, "x"]}}', "f.json")

    assert document.value == {"a": {"b": [1, None, True, "x"]}}


def test_merge_keys_give_way_to_what_is_written_out() -> None:
    (document,) = parse("base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\n", "f.yaml")

    assert document.value["use"] == {"x": 1, "y": 3}


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        pytest.param("a: 1\n\tb: 2\n", "yaml_tab", "f.yaml:2:1", id="tab"),
        pytest.param("a: [1\nb: 2\n", "yaml_syntax", "f.yaml:2:2", id="bracket left open"),
        pytest.param("a: *nowhere\n", "yaml_syntax", "f.yaml:1:4", id="alias of nothing"),
        pytest.param("a: \x01\n", "yaml_syntax", "f.yaml", id="control character"),
        pytest.param("a: 1\nb: 2\na: 3\n", "duplicate_key", "f.yaml:3:1", id="key given twice"),
        pytest.param("a: &x [*x]\n", "yaml_alias", "f.yaml:1:4", id="alias inside itself"),
        pytest.param("a: 1\n<<: 2\n", "yaml_syntax", "f.yaml:2:1", id="merge of a scalar"),
        pytest.param("{[a]: 1}\n", "yaml_key", "f.yaml:1:2", id="key that is no text"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(text: str, code: str, place: str) -> None:
    (problem,) = [problem for document in parse(text, "f.yaml") for problem in document.problems]

    assert (problem.code, str(problem.where)) == (code, place)
    assert problem.remedy


def test_aliases_that_multiply_each_other_are_refused() -> None:
    lines = ["l0: &l0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 10)}]" for i in range(1, 9)]

    (document,) = parse("\n".join(lines), "f.yaml")

    assert [problem.code for problem in document.problems] == ["yaml_alias"]


def test_a_tab_inside_block_text_is_text() -> None:
    (document,) = parse("a: |\n  \tx\n", "f.yaml")

    assert document.value == {"a": "\tx\n"}
    assert not document.problems
