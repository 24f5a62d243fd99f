"""Rules about storage containers."""

from kserve_lite.api.marks import Rule
from kserve_lite.api.storagecontainer import StorageContainerSpec, UriFormat

RULES = (
    Rule(
        id="uri_format",
        on=UriFormat,
        cel="has(self.prefix) != has(self.regex)",
        message="a URI format is either a prefix or a regex",
        remedy="keep one of them",
        holds=lambda one: (one.prefix is None) != (one.regex is None),
    ),
    Rule(
        id="workload_type",
        on=StorageContainerSpec,
        cel="!has(self.workloadType) || self.workloadType == 'initContainer'",
        message="localModelDownloadJob is not supported: there is no local model cache here",
        remedy="use initContainer",
        holds=lambda spec: spec.workload_type == "initContainer",
        field=".workloadType",
    ),
)
