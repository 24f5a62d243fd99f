"""The definitions: the only place where a field of a user's object is declared."""

from kserve_lite.api.kinds import GROUP, KINDS
from kserve_lite.api.problems import InvalidObject, Place, Problem
from kserve_lite.api.rules import RULES

__all__ = ["GROUP", "KINDS", "RULES", "InvalidObject", "Place", "Problem"]
