"""Programs that the tests and the cluster need, built from pinned sources; no part of the product."""
