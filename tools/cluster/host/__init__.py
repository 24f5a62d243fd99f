"""A cluster on a bare Linux host: one node that is a set of kernel namespaces, in which everything lives and dies."""
