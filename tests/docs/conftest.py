"""The trained examples of the laptop's tests serve the documents too, and so does a store of the storage's."""

from tests.local.conftest import examples
from tests.storage_servers.conftest import s3

__all__ = ["examples", "s3"]
