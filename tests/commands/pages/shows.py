"""Shows for tests: a small world, and what a viewer is told of it."""

import json
import struct

from quadrivium.commands.pages.casting import make_env, make_stages, read_cast
from quadrivium.commands.pages.show import Show
from quadrivium.commands.pages.stage import Stage
from quadrivium.commands.pages.wheel import Wheel


def small_show(*players, wheel=True, world="sign_chain", seed=7):
    """Returns a show of a world of trading, in which keys up and down are long and short."""
    cast = read_cast([world, *players], lambda env_id: {}, seed, lambda line: None)
    turn = Wheel({"up": "long", "down": "short"}, lambda forward, right: int(1 + forward))
    own = lambda: Stage("You", make_env(cast), None)  # noqa: E731
    return Show("SignChain", make_stages(cast, lambda line: None), seed, own, turn if wheel else None)


def unpacked(message):
    """Returns what a message of the show tells, and its pictures."""
    (length,) = struct.unpack_from(">I", message)
    told = json.loads(message[4 : 4 + length])
    pictures, at = [], 4 + length
    for size in told["pictures"]:
        pictures.append(message[at : at + size])
        at += size
    assert at == len(message)
    return told, pictures
