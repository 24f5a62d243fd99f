"""Several models in one server: a bad one does not harm the others; load and unload while serving."""

import shutil
from pathlib import Path
from typing import Any

from tests.server.models import iris, save, scaler
from tests.server.process import Server, serving


def index(server: Server, body: Any = None) -> dict[str, Any]:
    return {entry["name"]: entry for entry in server.post("/v2/repository/index", body).json}


def test_a_bad_model_is_not_ready_with_its_reason_and_the_others_serve(tmp_path: Path) -> None:
    save(iris(), tmp_path / "good")
    save(scaler(), tmp_path / "twice")
    shutil.copy(tmp_path / "twice/model.joblib", tmp_path / "twice/model.pkl")

    with serving(tmp_path) as server:
        entries = index(server)
        reply = server.post("/v1/models/twice:predict", {"instances": [[1]]})

        assert server.get("/v1/models").json == {"models": ["good"]}
        assert (entries["good"]["state"], entries["twice"]["state"]) == ("READY", "UNAVAILABLE")
        assert "model.joblib and model.pkl" in entries["twice"]["reason"]
        assert list(index(server, {"ready": True})) == ["good"]
        assert (reply.status, reply.json["code"]) == (503, "model_not_ready")
        assert "model.joblib and model.pkl" in reply.json["error"]
        assert int(reply.headers["retry-after"]) > 0
        assert server.get("/v2/health/ready").status == 503
        assert server.get("/v2/models/good/ready").status == 200

        (tmp_path / "twice/model.pkl").unlink()
        assert server.post("/v2/repository/models/twice/load").json == {"name": "twice", "load": True}
        assert server.get("/v2/health/ready").status == 200


def test_a_model_is_loaded_and_unloaded_while_serving(tmp_path: Path) -> None:
    save(iris(), tmp_path / "a")
    save(iris(), tmp_path / "b")
    row = {"instances": [[5.1, 3.5, 1.4, 0.2]]}

    with serving(tmp_path) as server:
        assert (
            server.post("/v2/repository/models/a/unload", {"parameters": {"unload_dependents": False}}).status
            == 200
        )
        assert server.post("/v1/models/a:predict", row).status == 404
        assert server.get("/v2/health/ready").status == 200
        assert index(server)["a"]["state"] == "UNAVAILABLE"

        save(scaler(), tmp_path / "b")
        assert server.post("/v1/models/b:predict", row).json == {"predictions": [0]}
        assert server.post("/v2/repository/models/b/load").status == 200
        assert (
            server.post("/v1/models/b:predict", row).json["predictions"]
            == scaler().transform(row["instances"]).tolist()
        )

        (tmp_path / "b/model.joblib").write_bytes(b"broken")
        failed = server.post("/v2/repository/models/b/load")
        assert (failed.status, failed.json["code"]) == (503, "model_file_unreadable")
        assert server.post("/v1/models/b:predict", row).status == 200

        save(iris(), tmp_path / "c")
        assert server.post("/v2/repository/models/c/load").status == 200
        assert server.post("/v1/models/c:predict", row).json == {"predictions": [0]}
        assert server.post("/v2/repository/models/nope/load").status == 404
        refused = server.post("/v2/repository/models/a/load", {"parameters": {"config": "{}"}})
        assert refused.status == 400


def test_readiness_is_false_once_the_only_model_is_unloaded(tmp_path: Path) -> None:
    save(iris(), tmp_path)

    with serving(tmp_path, "--model_name=iris") as server:
        assert server.get("/v2/health/ready").json == {"ready": True}
        server.post("/v2/repository/models/iris/unload")
        assert server.get("/v2/health/ready").status == 503
        assert server.get("/v2/health/live").status == 200
