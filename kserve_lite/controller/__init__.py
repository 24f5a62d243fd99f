"""Watch, resolve, render, apply, report: the shell that runs on a cluster."""
