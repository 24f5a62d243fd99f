"""The gate: every check that a change must pass, one section after another, each with a limit of time."""
