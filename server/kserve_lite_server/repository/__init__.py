"""The models of this process by name, with the state of each and its reason."""
