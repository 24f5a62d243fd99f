"""The one place where predictions are scheduled: queue bounds, deadlines, threads; no protocol word in it."""
