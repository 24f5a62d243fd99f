"""TrainedModels: each waits for its parent, and says what the parent's servers say of it."""
