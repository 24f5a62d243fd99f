"""The gRPC front door: the Open Inference Protocol, model repository, health and reflection, inside the event loop."""
