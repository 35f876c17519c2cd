"""What was used last is kept, within the bound."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from filmstrip.server.lru import Lru

steps = st.lists(st.tuples(st.sampled_from("gpd"), st.integers(0, 8), st.binary(max_size=6)))


@given(steps)
def test_it_is_a_dict_that_forgets_what_was_used_longest_ago(steps):
    lru: Lru[int, bytes] = Lru(10, cost_of=len)
    model: dict[int, bytes] = {}
    for what, key, value in steps:
        if what == "g":
            assert lru.get(key) == model.get(key)
            if key in model:
                model[key] = model.pop(key)
        elif what == "d":
            lru.drop(key)
            model.pop(key, None)
        else:
            lru.put(key, value)
            model.pop(key, None)
            model[key] = value
            while sum(map(len, model.values())) > 10:
                del model[next(iter(model))]
    assert {key: lru.get(key) for key in list(model)} == model
