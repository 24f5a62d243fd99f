"""The generic half of a controller: watch, queue, elect, apply, report. No word of serving in it."""
