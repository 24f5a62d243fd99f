"""What of the cluster a service is resolved against, beside runtimes: ServiceAccounts and fetchers of URIs.

The controller reads both kinds; a laptop has neither.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kserve_lite.api.storagecontainer import ClusterStorageContainer
from kserve_lite.resolve.credentials import Account, account_name


@dataclass(frozen=True)
class Surroundings:
    """`accounts` are the ServiceAccounts of the service's namespace by name, as JSON; read them by `get`/`list`."""

    accounts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    storage_containers: tuple[ClusterStorageContainer, ...] = ()
    parents: frozenset[str] = frozenset()
    """Services that TrainedModels name."""

    def account(self, pod: Mapping[str, Any]) -> Account:
        """Return the account that a pod runs as; one that does not exist (yet) has nothing to give."""
        name = account_name(pod)
        return Account.read(self.accounts[name]) if name in self.accounts else Account(name)
