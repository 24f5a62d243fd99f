"""A real Kubernetes cluster on any machine: by kind, on the bare host, or the one that is there."""
