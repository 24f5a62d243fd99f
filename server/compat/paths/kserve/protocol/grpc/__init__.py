"""kserve.protocol.grpc."""
