"""Azure blobs: https://ACCOUNT.blob.core.windows.net/container/path, abfs(s):// and azure://container/path."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from obstore.store import AzureStore

from kserve_lite_server.storage.errors import StorageError
from kserve_lite_server.storage.network import ca_bundle
from kserve_lite_server.storage.settings import Settings
from kserve_lite_server.storage.sources.objects import ObjectSource, client_options, no_retries
from kserve_lite_server.storage.uri import Location

if TYPE_CHECKING:
    from obstore.store import AzureConfig


def open_source(location: Location, settings: Settings) -> ObjectSource:
    """Return the source for a container's blob or prefix."""
    account, container, path, sas = _taken_apart(location)
    if not container:
        raise StorageError(
            "bad_uri",
            f"{location.shown} names no container.",
            "Write https://ACCOUNT.blob.core.windows.net/CONTAINER/PATH.",
        )
    if not account:
        raise StorageError(
            "bad_uri",
            f"{location.shown} names no storage account.",
            "Set AZURE_STORAGE_ACCOUNT_NAME, or write https://ACCOUNT.blob.core.windows.net/CONTAINER/PATH.",
        )
    store = AzureStore(
        container,
        config={"account_name": account, **_credentials(os.environ, sas)},
        client_options=client_options(settings, ca_bundle(os.environ)),
        retry_config=no_retries(),
    )
    return ObjectSource(store, path, location.shown, settings)


def _taken_apart(location: Location) -> tuple[str, str, str, str]:
    """Return account, container, path and SAS token."""
    parts = urlsplit(location.address)
    path = unquote(parts.path).lstrip("/")
    if parts.scheme in ("http", "https"):
        container, _, rest = path.partition("/")
        return (parts.hostname or "").split(".")[0], container, rest, parts.query
    if "@" in parts.netloc:  # abfs://container@account.dfs.core.windows.net/path
        container, _, host = parts.netloc.partition("@")
        return host.split(".")[0], container, path, parts.query
    environment = os.environ
    account = environment.get("AZURE_STORAGE_ACCOUNT_NAME") or environment.get("AZURE_STORAGE_ACCOUNT", "")
    return account, parts.netloc, path, parts.query


def _credentials(environment: Mapping[str, str], sas: str) -> "AzureConfig":
    """Return the first kind of credentials that there is, else anonymous access, as upstream tries them."""
    config: AzureConfig = {}
    if endpoint := environment.get("AZURE_STORAGE_ENDPOINT"):
        config["endpoint"] = endpoint.rstrip("/")
    client = environment.get("AZ_CLIENT_ID") or environment.get("AZURE_CLIENT_ID")
    secret = environment.get("AZ_CLIENT_SECRET") or environment.get("AZURE_CLIENT_SECRET")
    tenant = environment.get("AZ_TENANT_ID") or environment.get("AZURE_TENANT_ID")
    if sas or (sas := environment.get("AZURE_STORAGE_SAS_TOKEN", "").lstrip("?")):
        config["sas_key"] = sas
    elif key := environment.get("AZURE_STORAGE_ACCESS_KEY"):
        config["account_key"] = key
    elif token := environment.get("AZURE_ACCESS_TOKEN"):
        config["token"] = token
    elif client and tenant and secret:
        config.update({"client_id": client, "client_secret": secret, "tenant_id": tenant})
    elif client and tenant and (file := environment.get("AZURE_FEDERATED_TOKEN_FILE")):
        config.update({"client_id": client, "tenant_id": tenant, "federated_token_file": file})
    elif not (client or environment.get("IDENTITY_ENDPOINT")):  # else: managed identity
        config["skip_signature"] = True
    return config
