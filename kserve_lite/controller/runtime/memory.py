"""Memory at the start: garbage is looked for less often meanwhile, and what is no longer needed is handed back."""

from __future__ import annotations

import ctypes
import gc


def expect_much() -> None:
    """Look for cycles rarely: lists decode into hundreds of thousands of dicts, and each look would walk them all."""
    gc.set_threshold(50_000, 20, 100)


def give_back() -> None:
    """Collect once, set aside what is there now, and hand free pages back to the kernel where glibc kept them."""
    gc.collect()
    gc.freeze()  # modules, schemas and the first lists stay: later collections need not walk them
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
