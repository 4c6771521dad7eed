"""Kuhn poker for PettingZoo: `kuhn_poker_v0.env()`; rules: `quadrivium.envs.cards.KuhnPoker`."""

from quadrivium.envs.cards.kuhn_poker.game import KuhnPoker
from quadrivium.envs.cards.zoo import constructors

env, raw_env = constructors(KuhnPoker, "kuhn_poker_v0")
