from __future__ import annotations

import argparse
import copy
import pickle

import pytest

from filmstrip.run_config import Config


@pytest.fixture
def stored() -> list[dict]:
    """What was stored, after each change."""
    return []


@pytest.fixture
def config(stored) -> Config:
    return Config({"lr": 0.1}, on_change=stored.append)


def test_values_are_read_as_items_and_as_attributes(config):
    assert (config["lr"], config.lr, dict(config), len(config)) == (0.1, 0.1, {"lr": 0.1}, 1)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.__setitem__("epochs", 3),
        lambda c: setattr(c, "epochs", 3),
        lambda c: c.update({"epochs": 3}),
        lambda c: c.update(epochs=3),
        lambda c: c.update([("epochs", 3)]),
        lambda c: c.update(argparse.Namespace(epochs=3)),
        lambda c: c.update({"epochs": 3}, allow_val_change=True),
        lambda c: c.setdefault("epochs", 3),
    ],
)
def test_a_change_is_seen_and_stored_at_once(config, stored, change):
    change(config)
    assert stored == [{"lr": 0.1, "epochs": 3}]
    assert dict(config) == stored[0]


def test_several_values_are_stored_together(config, stored):
    config.update({"epochs": 3, "lr": 1}, seed=4)
    assert stored == [{"lr": 1, "epochs": 3, "seed": 4}]


@pytest.mark.parametrize("remove", [lambda c: c.__delitem__("lr"), lambda c: delattr(c, "lr")])
def test_a_value_can_be_taken_out(config, stored, remove):
    remove(config)
    assert (dict(config), stored) == ({}, [{}])


@pytest.mark.parametrize(
    ("use", "error"),
    [
        (lambda c: c["no"], KeyError),
        (lambda c: c.no, AttributeError),
        (lambda c: c.pop("no"), KeyError),
        (lambda c: c.__delitem__("no"), KeyError),
    ],
)
def test_a_name_that_is_not_there_is_an_error_and_stores_nothing(config, stored, use, error):
    with pytest.raises(error, match="no"):
        use(config)
    assert stored == []


def test_a_change_that_cannot_be_stored_is_not_made():
    def refuse(values):
        raise TypeError("no JSON")

    config = Config({"lr": 0.1}, on_change=refuse)
    with pytest.raises(TypeError, match="no JSON"):
        config.lr = object()
    assert dict(config) == {"lr": 0.1}


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda c: pickle.loads(pickle.dumps(c))]
)
def test_a_copy_is_a_plain_dict_that_stores_nothing(config, stored, copied):
    plain = copied(config)
    plain["lr"] = 5
    assert (type(plain), config.lr, stored) == (dict, 0.1, [])


def test_it_is_shown_as_what_it_holds(config):
    assert repr(config) == "Config({'lr': 0.1})"
