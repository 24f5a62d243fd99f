"""s3://bucket/key-or-prefix, at AWS or at any endpoint that speaks S3."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from obstore.store import S3Store

from kserve_lite_server.storage.errors import StorageError
from kserve_lite_server.storage.network import ca_bundle
from kserve_lite_server.storage.settings import Settings
from kserve_lite_server.storage.sources.objects import ObjectSource, client_options, no_retries
from kserve_lite_server.storage.storage_config import store_entry
from kserve_lite_server.storage.uri import Location

if TYPE_CHECKING:
    from obstore.store import S3Config

# The keys of a `storage-config` entry of type s3, and the variables they stand for.
STORAGE_CONFIG = {
    "endpoint_url": "AWS_ENDPOINT_URL",
    "access_key_id": "AWS_ACCESS_KEY_ID",
    "secret_access_key": "AWS_SECRET_ACCESS_KEY",
    "region": "AWS_DEFAULT_REGION",
    "ca_bundle": "AWS_CA_BUNDLE",
    "verify_ssl": "S3_VERIFY_SSL",
    "anonymous": "awsAnonymousCredential",
}

NO_ENDPOINT = (
    "AWS was asked, since no endpoint is set: if the keys are those of another store, name it by AWS_ENDPOINT_URL, "
    "for instance as an entry of the Secret (annotations of a Secret are not read)."
)


def open_source(location: Location, settings: Settings) -> ObjectSource:
    """Return the source for `s3://bucket/path`."""
    bucket, _, path = location.address.partition("://")[2].partition("/")
    if not bucket:
        raise StorageError("bad_uri", f"{location.shown} names no bucket.", "Write s3://bucket/path.")
    environment = storage_config(os.environ, location.store)
    insecure = environment.get("S3_VERIFY_SSL", "").lower() in ("0", "false")
    bundle = None if insecure else ca_bundle(environment, "AWS_CA_BUNDLE")
    store = S3Store(
        bucket,
        config=_config(bucket, environment),
        client_options=client_options(settings, bundle, insecure=insecure),
        retry_config=no_retries(),
    )
    return ObjectSource(store, path, location.shown, settings, "" if _endpoint(environment) else NO_ENDPOINT)


def storage_config(environment: Mapping[str, str], key: str = "") -> dict[str, str]:
    """Return the environment with the entry of the `storage-config` Secret, if one is given, laid over it."""
    store = store_entry(environment, key)
    if store.get("type") != "s3":
        return dict(environment)
    named = {STORAGE_CONFIG[key]: value for key, value in store.items() if key in STORAGE_CONFIG}
    return {**environment, **named}


def _config(bucket: str, environment: Mapping[str, str]) -> "S3Config":
    config: S3Config = {
        "region": environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or "us-east-1"
    }
    endpoint = _endpoint(environment)
    virtual = environment.get("S3_USER_VIRTUAL_BUCKET", "").lower() == "true"
    if environment.get("S3_USE_ACCELERATE", "").lower() == "true":
        endpoint, virtual = "https://s3-accelerate.amazonaws.com", True
    if endpoint:
        parts = urlsplit(endpoint)
        config["endpoint"] = f"{parts.scheme}://{bucket}.{parts.netloc}" if virtual else endpoint
        config["virtual_hosted_style_request"] = virtual
    if environment.get("awsAnonymousCredential", "").lower() == "true":
        config["skip_signature"] = True
    elif environment.get("AWS_ACCESS_KEY_ID"):
        config["access_key_id"] = environment["AWS_ACCESS_KEY_ID"]
        config["secret_access_key"] = environment.get("AWS_SECRET_ACCESS_KEY", "")
        if token := environment.get("AWS_SESSION_TOKEN"):
            config["session_token"] = token
    elif not environment.get("AWS_WEB_IDENTITY_TOKEN_FILE"):
        config.update(_profile(environment))
    return config


def _endpoint(environment: Mapping[str, str]) -> str | None:
    """Return the endpoint's URL; upstream's S3_ENDPOINT is a host, with the scheme in S3_USE_HTTPS."""
    url = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL")
    if url:
        return url.rstrip("/") if "://" in url else f"https://{url}"
    if host := environment.get("S3_ENDPOINT"):
        plain = environment.get("S3_USE_HTTPS", "1").lower() in ("0", "false")
        return host if "://" in host else f"{'http' if plain else 'https'}://{host}"
    return None


def _profile(environment: Mapping[str, str]) -> "S3Config":
    """Return the keys of the user's profile in ~/.aws/credentials, which obstore doesn't read."""
    import configparser

    path = Path(environment.get("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")).expanduser()
    if not path.is_file():
        return {}
    profiles = configparser.RawConfigParser()
    profiles.read(path)
    name = environment.get("AWS_PROFILE", "default")
    if not profiles.has_section(name):
        return {}
    known = {
        "aws_access_key_id": "access_key_id",
        "aws_secret_access_key": "secret_access_key",
        "aws_session_token": "session_token",
    }
    return {known[key]: value for key, value in profiles.items(name) if key in known}  # type: ignore[return-value]
