"""Leduc poker for PettingZoo: `leduc_poker_v0.env()`; rules: `quadrivium.envs.cards.LeducPoker`."""

from quadrivium.envs.cards.leduc_poker.game import LeducPoker
from quadrivium.envs.cards.zoo import constructors

env, raw_env = constructors(LeducPoker, "leduc_poker_v0")
