"""Leagues: an agent learns a game of two against itself, as it is and as it was, and fixed players."""

from quadrivium.agents.league.config import LeagueConfig
from quadrivium.agents.league.league import League

__all__ = ["League", "LeagueConfig"]
