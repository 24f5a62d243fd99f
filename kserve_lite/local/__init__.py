"""The same effective service run as processes on this machine, with the pod's own arguments."""
