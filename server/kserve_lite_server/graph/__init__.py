"""The router of an InferenceGraph: one process that takes a request through the graph's steps.

It imports nothing of the model server beside its errors and logs, so that it starts in a fraction of its time and
memory, and it knows no Kubernetes: the graph is a file, read again when it changes.
"""
