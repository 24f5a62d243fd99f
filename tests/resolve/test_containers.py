"""Containers merged and templates filled in."""

import pytest

from kserve_lite.resolve.containers import Meta, fill_in, flag_value, merge, with_tag

META = Meta("iris", "flowers", {"team": "red"}, {"note": "x"})


def test_env_and_ports_are_merged_by_their_keys_and_other_lists_replaced() -> None:
    base = {
        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
        "command": ["run"],
        "ports": [{"containerPort": 1}],
    }
    over = {
        "env": [{"name": "B", "valueFrom": {"secretKeyRef": {}}}],
        "command": ["go"],
        "ports": [{"containerPort": 1, "name": "h2c"}],
    }

    merged = merge(base, over)

    assert merged["env"] == [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {"secretKeyRef": {}}}]
    assert merged["command"] == ["go"]
    assert merged["ports"] == [{"containerPort": 1, "name": "h2c"}]
    assert base["env"] == [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        pytest.param("--model_name={{.Name}}", "--model_name=iris", id="name"),
        pytest.param("{{ .Namespace }}/{{.Name}}", "flowers/iris", id="two, with blanks"),
        pytest.param("{{.Labels.team}}-{{.Annotations.note}}", "red-x", id="label and annotation"),
        pytest.param("plain { braces }", "plain { braces }", id="no template"),
    ],
)
def test_templates_are_filled_in(text: str, filled: str) -> None:
    container, problems = fill_in({"args": [text]}, META, "args")

    assert (container["args"], problems) == ([filled], [])


@pytest.mark.parametrize("text", ["{{.Labels.nope}}", "{{.Spec.x}}", "{{ range . }}"])
def test_a_template_without_a_value_is_a_problem(text: str) -> None:
    _, problems = fill_in({"args": [text]}, META, "spec.args")

    assert [(p.code, p.path) for p in problems] == [("template_unknown", "spec.args")]


@pytest.mark.parametrize(
    ("image", "tagged"),
    [
        pytest.param("a/b:1", "a/b:2", id="tag"),
        pytest.param("host:5000/a/b", "host:5000/a/b:2", id="a port is no tag"),
        pytest.param("a/b@sha256:0", None, id="digest"),
    ],
)
def test_a_tag_is_replaced_unless_a_digest_pins_the_image(image: str, tagged: str | None) -> None:
    assert with_tag(image, "2") == tagged


@pytest.mark.parametrize(
    ("args", "value"),
    [
        pytest.param(["--model_name=a", "--model-name", "b"], "b", id="the last one counts, dashes too"),
        pytest.param(["--model_names=a"], None, id="another flag"),
        pytest.param([], None, id="none"),
    ],
)
def test_a_flags_value_is_found_in_all_its_spellings(args: list[str], value: str | None) -> None:
    assert flag_value({"args": args}, "model_name") == value
