"""Arguments that are declared once: what is checked, with which words, and what follows from them."""

from dataclasses import FrozenInstanceError, dataclass
from inspect import signature
from typing import ClassVar, Literal, NamedTuple

import numpy as np
import pytest

from quadrivium.envs.core.options import Options, integer, integers, meanings, number, params_of
from quadrivium.envs.core.world_env import WorldEnv, WorldVectorEnv


@dataclass(frozen=True, kw_only=True)
class Shop(Options):
    """The arguments of a shop."""

    price: float = number(2.0, 0, 10, above=True)
    """of an apple,
    in $"""
    apples: int = integer(3, 1, 9)
    """on the shelf"""
    limit: float | None = number(None, 0, 1, none=True)
    """of the basket"""
    kind: Literal["sweet", "sour"] = "sweet"
    """of apples"""
    open_late: bool = False
    """whether it is"""
    sizes: tuple[int, ...] = integers((1, 2), 0, 5, most=3)
    """of boxes"""

    def check(self) -> None:
        if self.apples * self.price > 50:
            raise ValueError(f"apples={self.apples} at price={self.price} are worth more than 50; use fewer")


@dataclass(frozen=True, kw_only=True)
class NightShop(Shop):
    """One that is open late."""

    open_late: bool = True
    drinks: int = integer(0, 0, 5)
    """in the fridge"""


@dataclass(frozen=True, kw_only=True)
class ChainShop(Shop):
    """One of a chain."""

    PRESETS: ClassVar = {"town": {"apples": 5, "price": 3.0}, "village": {}}

    preset: Literal["town", "village"] = "town"
    """where it is"""


class ShopParams(NamedTuple):
    """What a kernel would get."""

    split: int
    price: float
    apples: int
    kind: int
    late: int
    weight: np.float32


@pytest.mark.parametrize(
    ("given", "apples", "price"),
    [
        ({}, 5, 3.0),
        ({"preset": "town"}, 5, 3.0),
        ({"apples": 1}, 1, 3.0),
        ({"preset": "village"}, 3, 2.0),
    ],
)
def test_a_preset_fills_in_what_is_not_given_also_where_it_is_not_given_itself(
    given: dict[str, object], apples: int, price: float
):
    shop = ChainShop.of(given)
    assert (shop.apples, shop.price) == (apples, price)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"aples": 3}, r"^unexpected keyword argument 'aples': use one of 'split', .* mean 'apples'\?$"),
        ({"price": 0}, r"^price=0 is out of range: use a number in \(0, 10\]$"),
        ({"price": float("nan")}, r"^price=nan is out of range"),
        ({"price": "2"}, r"^price='2' is no number: use a number in \(0, 10\]$"),
        ({"apples": 2.5}, r"^apples=2.5 is no integer: use an integer in \[1, 9\]$"),
        ({"apples": True}, r"^apples=True is no integer"),
        ({"apples": None}, r"^apples=None is no integer"),
        ({"limit": 2}, r"^limit=2 is out of range: use a number in \[0, 1\]$"),
        ({"kind": "swet"}, r"^kind='swet' is unknown: use one of 'sweet', 'sour'; did you mean 'sweet'\?$"),
        ({"open_late": 1}, r"^open_late=1 is no switch: use True or False$"),
        ({"sizes": []}, r"^sizes=\[\] is no list of 1 to 3 numbers; use a list of .* in \[0, 5\]"),
        ({"sizes": [1, 9]}, r"^sizes=\[1, 9\] holds what is not allowed; .* such as \(1, 2\)$"),
        ({"sizes": [1, 1]}, "holds a number twice"),
        ({"split": "tset"}, r"did you mean 'test'\?$"),
        ({"apples": 9, "price": 9}, r"^apples=9 at price=9 are worth more than 50; use fewer$"),
    ],
)  # fmt: skip
def test_what_is_not_allowed_is_one_line_with_the_remedy(given, message):
    with pytest.raises(ValueError, match=message) as error:
        Shop.of(given)
    assert "\n" not in str(error.value)


def test_what_is_not_given_is_the_default_and_nothing_changes_later():
    shop = Shop.of({"apples": 5})
    assert (shop.apples, shop.price, shop.limit, shop.split) == (5, 2.0, None, "train")
    with pytest.raises(FrozenInstanceError):
        shop.apples = 6


def test_a_subclass_has_the_arguments_of_its_base_with_its_own_defaults():
    assert NightShop.names() == (*Shop.names(), "drinks")
    assert NightShop().open_late
    assert not Shop().open_late


def test_docstrings_below_fields_say_what_they_mean():
    told = meanings(NightShop)
    assert set(told) == set(NightShop.names())
    assert told["price"] == "of an apple, in $"
    assert told["open_late"] == "whether it is"  # the base's, since the subclass says nothing else
    assert told["drinks"] == "in the fridge"


def test_a_kernel_gets_numbers_of_its_own_types():
    p = params_of(ShopParams, Shop(price=3, kind="sour", split="test"), late=True, weight=0.1)
    assert p == (1, 3.0, 3, 1, 1, np.float32(0.1))
    assert [type(value) for value in p] == [int, float, int, int, int, np.float32]


def test_a_parameter_that_no_option_names_must_be_derived():
    with pytest.raises(TypeError, match=r"ShopParams\.late is no option of Shop; derive it"):
        params_of(ShopParams, Shop(), weight=1)
    with pytest.raises(TypeError, match="ShopParams has no field colour"):
        params_of(ShopParams, Shop(), late=0, weight=1, colour="red")


def test_help_shows_the_arguments_of_an_environment():
    class ShopEnv(WorldEnv):
        """A shop."""

        options, setup_of = Shop, staticmethod(lambda options: options)

    class ShopVectorEnv(WorldVectorEnv):
        """Many shops."""

        single = ShopEnv

    assert list(signature(ShopEnv).parameters) == ["render_mode", *Shop.names()]
    assert list(signature(ShopVectorEnv).parameters) == [
        "num_envs",
        "render_mode",
        "autoreset_mode",
        *Shop.names(),
    ]
    assert signature(ShopEnv).parameters["price"].default == 2.0
