"""What a player of ours thinks of a position, as programs for Go read it: Leela Zero's and KataGo's lines."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from quadrivium.agents.search.protocols import Line, Thought

DEFAULT_SECONDS = 1.0


@dataclass(frozen=True)
class Analysis:
    """How a program wants to be told what is thought.

    Attributes:
        colour: to move, as text; None for whose turn it is.
        seconds: between two lines.
        kata: in KataGo's numbers, shares; else in Leela Zero's, ten-thousandths.
    """

    colour: str | None
    seconds: float
    kata: bool


def parse_analysis(words: Sequence[str], kata: bool) -> Analysis:
    """Returns what `lz-analyze [colour] [centiseconds] …` asks for; what else it may say is passed over."""
    words = list(words)
    colour = words.pop(0) if words and not words[0].isdecimal() and words[0] != "interval" else None
    if words[:1] == ["interval"]:
        words.pop(0)
    seconds = int(words[0]) / 100 if words and words[0].isdecimal() else DEFAULT_SECONDS
    return Analysis(colour, max(seconds, 0.01), kata)


def analysis_line(thought: Thought, names: Callable[[Sequence[int]], list[str]], kata: bool) -> str:
    """Returns a line that tells of every move tried. names: of moves from the position on."""

    def number(share: float) -> str:
        return f"{share:.6f}" if kata else str(round(10_000 * share))

    def told(order: int, line: Line) -> str:
        moves, chance = names(line.actions), number((1 + max(-1.0, min(1.0, line.value))) / 2)
        return (
            f"info move {moves[0]} visits {line.visits} winrate {chance} prior {number(line.prior)} "
            f"lcb {chance} order {order} pv {' '.join(moves)}"
        )

    return " ".join(told(order, line) for order, line in enumerate(thought.lines) if line.visits)
