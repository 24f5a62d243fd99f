"""The providers by name: one line a file."""

from collections.abc import Mapping

from tools.cluster.existing import Existing
from tools.cluster.host.provider import Host
from tools.cluster.kind import Kind
from tools.cluster.provider import Provider

PROVIDERS: Mapping[str, type[Provider]] = {"kind": Kind, "host": Host, "existing": Existing}
