"""Memory that starting up took and no longer needs: handed back, for the C library would keep it."""

from __future__ import annotations

import ctypes
import gc


def give_back() -> None:
    """Collect once, set aside what is there now, and hand free pages back to the kernel where glibc kept them."""
    gc.collect()
    gc.freeze()  # modules, schemas and the first lists stay: later collections need not walk them
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
