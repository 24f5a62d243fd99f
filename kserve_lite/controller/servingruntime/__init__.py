"""ServingRuntime and ClusterServingRuntime: nothing is made of them, but a faulty one is told so."""
