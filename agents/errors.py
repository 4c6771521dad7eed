"""Errors that are the user's to mend: one line with the value, what is expected, and the remedy."""

import difflib
import sys
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path


class UserError(Exception):
    """Something that the user can mend; its text is one whole sentence and needs no traceback."""


def did_you_mean(name: object, choices: Iterable[str]) -> str:
    """Returns `"; did you mean 'x'?"` with the choice nearest to `name`, or `""` where none is near."""
    near = difflib.get_close_matches(str(name), list(choices), n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""


@contextmanager
def as_user_error(prefix: str, *kinds: type[Exception]) -> Generator[None]:
    """Turns exceptions of `kinds` into a UserError of one line: `prefix: message`."""
    try:
        yield
    except kinds as error:
        raise UserError(f"{prefix}: {one_line(error)}") from error


def one_line(error: BaseException) -> str:
    """Returns the text of `error` without line breaks, or its type's name where it has no text."""
    return " ".join(str(error).split()) or type(error).__name__


def program(name: str) -> str:
    """Returns how the user starts `train` or `evaluate`, for hints that can be typed as they are."""
    return f"quadrivium {name}" if Path(sys.argv[0]).stem == "quadrivium" else f"python {name}.py"


def run_command(command: Callable[[], None]) -> int:
    """Runs `command` and returns its exit code.

    0; 2 after one line `error: ...` on stderr; 130 when Ctrl-C ends it at once.
    """
    try:
        command()
    except UserError as error:
        print(f"error: {one_line(error)}", file=sys.stderr)
        return 2
    except OSError as error:  # the machine's, not ours: no permission, a full disk, a name too long
        name = f"{error.filename}: " if error.filename else ""
        print(f"error: {name}{error.strerror or one_line(error)}; mend that and try again", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0
