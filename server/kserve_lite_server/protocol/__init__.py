"""Bytes on the wire to rows and back: pure functions that know no model and no socket."""
