"""The project's container images: what they are, how they are built, how large they may be."""
