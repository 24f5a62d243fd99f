"""The kinds that kserve-lite knows."""

from kserve_lite.api import inferencegraph, inferenceservice, servingruntime, storagecontainer, trainedmodel
from kserve_lite.api.marks import Kind

GROUP = "serving.kserve.io"

KINDS: tuple[Kind, ...] = (
    inferenceservice.KIND,
    servingruntime.NAMESPACED,
    servingruntime.CLUSTER,
    inferencegraph.KIND,
    trainedmodel.KIND,
    storagecontainer.KIND,
)
