"""The points of handicap stones in Go. Source: the specification of GTP 2, section 4.1.1."""

COLUMNS = "ABCDEFGHJKLMNOPQRSTUVWXYZ"  # Go's boards leave out the I


def fixed_handicap(size: int, stones: int) -> list[str]:
    """Returns the points of so many stones on a board; raises ValueError where none are defined."""
    near = 3 if size <= 12 else 4
    low, middle, high = near, (size + 1) // 2, size + 1 - near
    most = 0 if size < 7 else 9 if size % 2 and size >= 9 else 4
    if not 2 <= stones <= most:
        allowed = f"2 to {most} stones" if most else "none"
        raise ValueError(f"{stones} handicap stones on {size}x{size}; there {allowed} can be")
    corners = [(low, low), (high, high), (low, high), (high, low)]
    sides = [(low, middle), (high, middle), (middle, low), (middle, high)]
    around = corners[:stones] + (sides[: (stones - 4) // 2 * 2] if stones > 4 else [])
    points = [*around, (middle, middle)] if len(around) < stones else around
    return [f"{COLUMNS[column - 1]}{row}" for column, row in points]
