"""Which runtime serves a model, and why the others do not."""

import pytest

from kserve_lite.resolve.catalogue import BUILT_IN
from kserve_lite.resolve.runtime import Choice, Format, Model, Runtime, choose


def runtime(
    name: str,
    *,
    priority: int | None = 1,
    protocols: tuple[str, ...] = ("v1",),
    scope: str = "cluster",
    version: str | None = "1",
    auto_select: bool = True,
    disabled: bool = False,
    multi_model: bool = False,
    multi_node: bool = False,
) -> Runtime:
    return Runtime(
        name,
        (Format("sklearn", version, priority, auto_select),),
        protocols,
        (),
        "namespace" if scope == "namespace" else "cluster",
        disabled,
        multi_model,
        multi_node,
    )


def reasons(choice: Choice) -> dict[str, str]:
    return {verdict.runtime.name: verdict.reason for verdict in choice.verdicts}


@pytest.mark.parametrize(
    ("model", "chosen", "protocol"),
    [
        pytest.param(Model("sklearn"), "kserve-sklearnserver", "v1", id="sklearn"),
        pytest.param(
            Model("sklearn", protocol="v2"), "kserve-sklearnserver", "v2", id="sklearn over v2 is ours too"
        ),
        pytest.param(Model("sklearn", "0", "v2"), "kserve-mlserver", "v2", id="sklearn 0 only MLServer has"),
        pytest.param(
            Model("sklearn", runtime="kserve-mlserver"), "kserve-mlserver", "v2", id="by name, no protocol"
        ),
        pytest.param(
            Model("sklearn", runtime="kserve-predictiveserver"),
            "kserve-predictiveserver",
            "v1",
            id="autoSelect off",
        ),
        pytest.param(Model("xgboost"), "kserve-xgbserver", "v1", id="xgboost"),
        pytest.param(Model("xgboost", protocol="v2"), "kserve-mlserver", "v2", id="xgboost over v2"),
        pytest.param(Model("lightgbm"), "kserve-lgbserver", "v1", id="lightgbm"),
        pytest.param(Model("tensorflow"), "kserve-tensorflow-serving", "v1", id="tensorflow"),
        pytest.param(
            Model("tensorflow", protocol="v2"), "kserve-tritonserver", "v2", id="tensorflow over v2"
        ),
        pytest.param(Model("pytorch"), "kserve-torchserve", "v1", id="pytorch"),
        pytest.param(Model("onnx", protocol="v2"), "kserve-tritonserver", "v2", id="onnx"),
        pytest.param(Model("pmml", "4"), "kserve-pmmlserver", "v1", id="pmml"),
        pytest.param(Model("paddle"), "kserve-paddleserver", "v1", id="paddle"),
        pytest.param(Model("huggingface", protocol="v2"), "kserve-huggingfaceserver", "v2", id="huggingface"),
        pytest.param(Model("mlflow", protocol="v2"), "kserve-mlserver", "v2", id="mlflow"),
    ],
)
def test_the_built_in_runtimes_are_chosen_as_in_kserve(model: Model, chosen: str, protocol: str) -> None:
    choice = choose(model, BUILT_IN)

    assert choice.best is not None
    assert (choice.best.name, choice.protocol) == (chosen, protocol)


@pytest.mark.parametrize(
    ("model", "candidate", "reason"),
    [
        pytest.param(Model("sklearn"), runtime("r", disabled=True), "it is disabled", id="disabled"),
        pytest.param(
            Model("sklearn"), runtime("r", multi_model=True), "it is a multi-model runtime", id="multi-model"
        ),
        pytest.param(
            Model("sklearn"), runtime("r", multi_node=True), "it is for multi-node predictors", id="nodes"
        ),
        pytest.param(Model("sklearn", multi_node=True), runtime("r"), "it has no workerSpec", id="no nodes"),
        pytest.param(Model("onnx"), runtime("r"), "it does not support the model format onnx", id="format"),
        pytest.param(
            Model("Sklearn"), runtime("r"), "it does not support the model format Sklearn", id="case counts"
        ),
        pytest.param(
            Model("sklearn", "1.0"), runtime("r"), "in version 1, not 1.0", id="versions are exact text"
        ),
        pytest.param(
            Model("sklearn"), runtime("r", auto_select=False), "only when asked for by name", id="autoSelect"
        ),
        pytest.param(
            Model("sklearn"), runtime("r", protocols=("v2",)), "it speaks v2, not v1", id="protocol"
        ),
        pytest.param(
            Model("sklearn", runtime="s"), runtime("r"), "runtime: s is asked for by name", id="other name"
        ),
        pytest.param(
            Model("sklearn", runtime="r"), runtime("r", disabled=True), "it is disabled", id="named, disabled"
        ),
        pytest.param(
            Model("sklearn", protocol="v2", runtime="r"),
            runtime("r"),
            "it speaks v1, not v2",
            id="named, protocol",
        ),
    ],
)
def test_a_rejected_runtime_comes_with_its_reason(model: Model, candidate: Runtime, reason: str) -> None:
    choice = choose(model, [candidate])

    assert choice.best is None
    assert reason in reasons(choice)["r"]


def test_a_runtime_asked_for_by_name_need_not_be_auto_selected_and_keeps_its_own_protocol() -> None:
    choice = choose(
        Model("sklearn", runtime="r"), [runtime("r", auto_select=False, protocols=("v2", "grpc-v2"))]
    )

    assert choice.best is not None
    assert choice.protocol == "v2"


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        pytest.param(
            runtime("z", scope="namespace", priority=None),
            runtime("a", priority=9),
            "own namespace",
            id="namespace first",
        ),
        pytest.param(
            runtime("z", priority=2), runtime("a", priority=1), "has priority 2, this one 1", id="higher"
        ),
        pytest.param(
            runtime("z", priority=1), runtime("a", priority=None), "has priority 1, this one None", id="set"
        ),
        pytest.param(
            runtime("z", protocols=("v1", "v2")),
            runtime("a", protocols=()),
            "speaks the simpler protocol v1",
            id="simpler",
        ),
        pytest.param(runtime("a"), runtime("b"), "comes first by name", id="name"),
    ],
)
def test_of_two_that_fit_the_order_is_fixed_and_told(first: Runtime, second: Runtime, why: str) -> None:
    one, other = choose(Model("sklearn"), [first, second]), choose(Model("sklearn"), [second, first])

    assert one.best == other.best == first
    assert why in reasons(one)[second.name]
    assert reasons(one)[first.name] == "chosen"
