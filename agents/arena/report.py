"""The result of a tournament: tables on the terminal, and JSON, CSV and a picture in a directory."""

import csv
import io
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from quadrivium.agents.arena.standings import Standings, Tally
from quadrivium.agents.evaluation.report import print_table
from quadrivium.agents.runs.directory import write_atomically
from quadrivium.intervals import Interval


def print_standings(console: Console, standings: Standings, title: str) -> None:
    """Prints the standings, the cross-table, the likelihood of superiority, and what may be said of them."""
    print_table(console, standings_table(standings, title))
    if len(standings.names) > 2:
        print_table(console, cross_table(standings))
        print_table(console, superiority_table(standings))
    for line in [*facts(standings), *standings.verdicts()]:
        console.print(line, highlight=False, markup=False, emoji=False, soft_wrap=True)


def standings_table(standings: Standings, title: str) -> Table:
    """Returns a row a player, the highest rating first."""
    table = Table(title=title, title_justify="left")
    table.add_column("place")
    table.add_column("player", no_wrap=True)
    for heading in ("rating", "95 % interval", "points", "games", "won", "drawn", "lost", "moving first"):
        table.add_column(heading, justify="right", no_wrap=True)
    losses = {"forfeited": standings.forfeits, "on time": standings.on_time}
    losses = {heading: counts for heading, counts in losses.items() if any(counts)}
    for heading in losses:
        table.add_column(heading, justify="right")
    ranks = standings.ratings.ranks()
    for player in standings.places:
        tally, interval = standings.tallies[player], standings.ratings.intervals[player]
        cells = [
            f"{ranks[player]}{'' if ranks.count(ranks[player]) == 1 else '='}",
            standings.names[player],
            _signed(interval.estimate),
            f"[{_signed(interval.low)}, {_signed(interval.high)}]",
            _percent(tally),
            *(str(count) for count in (tally.games, tally.won, tally.drawn, tally.lost)),
            _percent(standings.first[player]),
        ]
        table.add_row(*map(Text, [*cells, *(str(counts[player]) for counts in losses.values())]))
    return table


def cross_table(standings: Standings) -> Table:
    """Returns a row and a column a player: the row's points in their games."""
    table = Table(title="points of the row against the column", title_justify="left")
    table.add_column("", no_wrap=True)
    for player in standings.places:
        table.add_column(Text(standings.names[player]), justify="right", no_wrap=True)
    for row in standings.places:
        tallies = [standings.cross.get((row, column)) for column in standings.places]
        cells = ["" if tally is None else f"{tally.points:g} / {tally.games}" for tally in tallies]
        table.add_row(Text(standings.names[row]), *map(Text, cells))
    return table


def superiority_table(standings: Standings) -> Table:
    """Returns a row and a column a player: the probability that the row's is the stronger one."""
    table = Table(title="likelihood that the row is stronger than the column, %", title_justify="left")
    table.add_column("", no_wrap=True)
    for player in standings.places:
        table.add_column(Text(standings.names[player]), justify="right", no_wrap=True)
    for row in standings.places:
        cells: list[str] = []
        for column in standings.places:
            likely = float(standings.ratings.superiority[row, column])
            cells.append("" if row == column else "–" if math.isnan(likely) else f"{100 * likely:.1f}")
        table.add_row(Text(standings.names[row]), *map(Text, cells))
    return table


def facts(standings: Standings) -> list[str]:
    """Returns lines on what was estimated beside the ratings, and on the sequential test."""
    ratings = standings.ratings
    lines = [
        f"moving first is worth {_elo(ratings.advantage)}; draws between equals {_share(ratings.draws)}; "
        f"{standings.games} games"
    ]
    if standings.move_limits:
        lines.append(f"{standings.move_limits} games were drawn by the move limit")
    if standings.adjudicated:
        lines.append(f"{standings.adjudicated} games were adjudicated by the players' scores")
    if standings.byes:
        lines.append(f"byes: {', '.join(standings.byes)}")
    if standings.test is not None:
        test, state = standings.test
        low, high = test.bounds
        names = standings.names
        meaning = {
            "elo1": f"accepted: {names[0]} is about {test.elo1:+g} or more above {names[1]}",
            "elo0": f"accepted: {names[0]} is about {test.elo0:+g} or less above {names[1]}",
            None: "not decided",
        }[state.decision]
        lines.append(
            f"sequential test of {test.elo0:+g} against {test.elo1:+g}: log-likelihood ratio {state.llr:.2f} "
            f"in ({low:.2f}, {high:.2f}), {meaning}; opening pairs by points 0 to 2: "
            f"{' '.join(map(str, state.counts))}"
        )
    return lines


def to_json(standings: Standings, about: Mapping[str, Any]) -> dict[str, Any]:
    """Returns `about` and all of the standings, JSON-able."""
    ratings, names, ranks = standings.ratings, standings.names, standings.ratings.ranks()
    data: dict[str, Any] = {
        **about,
        "confidence": 0.95,
        "games": standings.games,
        "players": [
            {
                "name": names[player],
                "place": ranks[player],
                "rating": ratings.intervals[player].plain(),
                **_counts(standings.tallies[player]),
                "moving_first": _counts(standings.first[player]),
                "forfeits": standings.forfeits[player],
                "lost_on_time": standings.on_time[player],
            }
            for player in standings.places
        ],
        "pairs": [
            {
                "a": names[a],
                "b": names[b],
                **_counts(tally),
                "a_minus_b": standings.difference(a, b).plain(),
                "likelihood_a_is_stronger": _finite(float(ratings.superiority[a, b])),
            }
            for (a, b), tally in sorted(standings.cross.items())
            if a < b
        ],
        "first_move_advantage": ratings.advantage.plain(),
        "draws_between_equals": ratings.draws.plain(),
        "games_drawn_by_move_limit": standings.move_limits,
        "games_adjudicated": standings.adjudicated,
        "byes": list(standings.byes),
        "verdicts": standings.verdicts(),
    }
    if standings.test is not None:
        test, state = standings.test
        data["sprt"] = {
            **{name: getattr(test, name) for name in ("elo0", "elo1", "alpha", "beta")},
            "bounds": list(test.bounds),
            "llr": state.llr,
            "pairs_by_points_0_to_2": list(state.counts),
            "accepted": state.decision,
        }
    return data


def write_standings(
    directory: Path, standings: Standings, about: Mapping[str, Any], games: tuple[str, str]
) -> list[Path]:
    """Writes results.json, ratings.csv, crosstable.csv, ratings.png and the games; returns their paths.

    games: text, and the ending of its file's name.
    """
    text, ending = games
    data = {
        "results.json": json.dumps(to_json(standings, about), indent=2) + "\n",
        "ratings.csv": _ratings_csv(standings),
        "crosstable.csv": _cross_csv(standings),
        f"games.{ending}": text,
    }
    for name, content in data.items():
        write_atomically(directory / name, content.encode())
    write_atomically(directory / "ratings.png", _plot(standings))
    return [directory / name for name in (*data, "ratings.png")]


def _ratings_csv(standings: Standings) -> str:
    file, ranks = io.StringIO(), standings.ratings.ranks()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(
        ["place", "player", "rating", "low", "high", "points", "games", "won", "drawn", "lost", "forfeits",
         "on_time"]
    )  # fmt: skip
    for player in standings.places:
        tally, interval = standings.tallies[player], standings.ratings.intervals[player]
        rating = [f"{x:.1f}" for x in (interval.estimate, interval.low, interval.high)]
        counts = [tally.points, tally.games, tally.won, tally.drawn, tally.lost, standings.forfeits[player],
                  standings.on_time[player]]  # fmt: skip
        writer.writerow([ranks[player], standings.names[player], *rating, *counts])
    return file.getvalue()


def _cross_csv(standings: Standings) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["player", "opponent", "points", "games", "won", "drawn", "lost"])
    for (a, b), tally in sorted(standings.cross.items()):
        counts = [tally.points, tally.games, tally.won, tally.drawn, tally.lost]
        writer.writerow([standings.names[a], standings.names[b], *counts])
    return file.getvalue()


def _plot(standings: Standings) -> bytes:
    """Returns a PNG of the ratings with their intervals, the highest on top."""
    from matplotlib.figure import Figure  # slow to import, and not every command draws

    names = [standings.names[player] for player in standings.places]
    intervals = [standings.ratings.intervals[player] for player in standings.places]
    # Who won or lost nearly everything has an end far out; it leaves the picture, by an arrow.
    estimates = [interval.estimate for interval in intervals]
    margin = max(150.0, 0.25 * (max(estimates) - min(estimates)))
    left, right = min(estimates) - margin, max(estimates) + margin
    figure = Figure(figsize=(7, 0.42 * len(names) + 1.1), layout="constrained")
    axis = figure.subplots()
    for row, interval in enumerate(intervals):
        low, high = max(interval.low, left), min(interval.high, right)
        axis.plot([low, high], [row, row], color="tab:blue", linewidth=2, solid_capstyle="butt")
        axis.plot(interval.estimate, row, "o", color="tab:blue", markersize=6)
        axis.annotate(
            _signed(interval.estimate), (interval.estimate, row), (0, 6), textcoords="offset points",
            ha="center", fontsize=8,
        )  # fmt: skip
        for end, marker, beyond in ((left, "<", interval.low < left), (right, ">", interval.high > right)):
            if beyond:
                axis.plot(end, row, marker, color="tab:blue", markersize=6, clip_on=False)
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.5, -0.7)
    axis.set_xlim(left, right)
    axis.set_xlabel("rating with 95 % interval (Elo points, mean 0)")
    axis.grid(axis="x", linewidth=0.4, color="0.85")
    axis.spines[["top", "right"]].set_visible(False)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=130)
    return file.getvalue()


def _percent(tally: Tally) -> str:
    return f"{100 * tally.points / tally.games:.1f} %" if tally.games else "–"


def _elo(value: Interval) -> str:
    return f"{_signed(value.estimate)} [{_signed(value.low)}, {_signed(value.high)}] points"


def _signed(points: float) -> str:
    return f"{round(points):+d}"  # a whole number has no -0


def _share(value: Interval) -> str:
    return f"{100 * value.estimate:.0f} % [{100 * value.low:.0f}, {100 * value.high:.0f}]"


def _counts(tally: Tally) -> dict[str, float]:
    return {"games": tally.games, "points": tally.points, "won": tally.won, "drawn": tally.drawn,
            "lost": tally.lost}  # fmt: skip


def _finite(value: float) -> float | None:
    return None if math.isnan(value) else value
