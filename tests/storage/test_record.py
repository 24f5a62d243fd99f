"""Our named tuples are those of `typing`, which a small fetch does without."""

import pickle
from typing import NamedTuple as Theirs

import pytest

from kserve_lite_server.storage.record import NamedTuple


class Ours(NamedTuple):
    """Two fields."""

    path: str
    size: int = 3

    @property
    def double(self) -> int:
        return 2 * self.size


class Same(Theirs):
    """Two fields."""

    path: str
    size: int = 3


def test_fields_defaults_and_methods_are_those_of_the_class() -> None:
    one = Ours("a")

    assert (one.path, one.size, one.double) == ("a", 3, 6)
    assert one == Same("a") == ("a", 3)
    assert one._replace(size=4)._asdict() == {"path": "a", "size": 4}
    assert (Ours._fields, Ours._field_defaults) == (Same._fields, Same._field_defaults)
    assert (repr(one), Ours.__doc__) == ("Ours(path='a', size=3)", Same.__doc__)
    assert pickle.loads(pickle.dumps(one)) == one


def test_a_value_has_its_fields_and_no_others() -> None:
    with pytest.raises(AttributeError):
        Ours("a").size = 4  # type: ignore[misc]
    with pytest.raises(AttributeError):
        Ours("a").more = 4  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        Ours()  # type: ignore[call-arg]
