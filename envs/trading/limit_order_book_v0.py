"""Traders in one limit order book, for PettingZoo: `limit_order_book_v0.parallel_env(agents=3)`."""

from quadrivium.envs.trading.limit_order_book.env import LimitOrderBookParallelEnv as parallel_env

__all__ = ["parallel_env"]
