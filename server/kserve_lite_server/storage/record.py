"""Classes of values with named fields: `typing.NamedTuple`, without the module that is a tenth of a small fetch."""

from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple
else:

    class _Fields(type):
        def __new__(cls, name, bases, namespace):
            plain = super().__new__(cls, name, (), namespace)
            if not bases:
                return plain
            fields = plain.__annotations__
            defaults = [namespace.pop(field) for field in fields if field in namespace]
            base = namedtuple(name, fields, defaults=defaults, module=namespace["__module__"])
            return type(name, (base,), {"__slots__": (), **namespace})

    class NamedTuple(metaclass=_Fields):
        """The fields are the annotations of the class; those with a value have that as their default."""
