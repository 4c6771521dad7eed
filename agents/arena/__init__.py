"""The arena, where any player meets any other: players, tournaments, ratings."""
