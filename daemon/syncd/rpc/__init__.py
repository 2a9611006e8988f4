"""The wire: translate in, ask, translate out. Protobuf and gRPC types live here and nowhere else."""
