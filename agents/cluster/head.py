"""Where a cluster's head is, whether it answers, and the token that it may ask for."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys

from quadrivium.agents.errors import UserError, one_line

Address = str | bool
"""HOST:PORT of a cluster's head, or True: Ray is started on this machine."""

_ANSWER_S = 5.0  # in which a head must take a connection
_HEALTH_S = 60.0  # in which it must answer, the start of a process on a busy machine included
_REFUSED = "InvalidAuthToken"  # so Ray names a token that is missing or wrong
_START = "start it with `ray start --head`, or leave the address out for a Ray of this machine alone"
_SAME_TOKEN = (
    "set RAY_AUTH_MODE=token, and copy ~/.ray/auth_token of a machine of the cluster to this one, or set "
    "RAY_AUTH_TOKEN"
)


def read_address(address: Address) -> str | None:
    """Returns HOST:PORT, or None for a local Ray; raises UserError for what is neither."""
    if address is True:
        return None
    if not isinstance(address, str) or not re.fullmatch(
        r"[\w.-]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5}", address
    ):
        raise UserError(
            f"--cluster {address}: expected HOST:PORT, such as 10.0.0.1:6379, or nothing, for a Ray of this "
            "machine alone"
        )
    return address


def require_head(address: str) -> None:
    """Raises UserError where no Ray head answers, which `ray.init` would try for minutes, or where it asks
    for a token that this machine has not.

    `ray start --head` asks for one wherever it finds one, `ray.init` shows it only if it is told to by
    RAY_AUTH_MODE: unless somebody did, it is told here, for a head that asks.
    """
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _ANSWER_S).close()
    except (OSError, OverflowError) as error:
        raise UserError(
            f"--cluster {address} does not answer ({one_line(error)}); expected a Ray head there: {_START}"
        ) from error
    if _REFUSED not in _ask(address):
        return
    if "RAY_AUTH_MODE" not in os.environ and _show_token():
        if _REFUSED not in _ask(address):
            return
        raise UserError(f"--cluster {address} refuses this machine's token; {_SAME_TOKEN}")
    mode = os.environ.get("RAY_AUTH_MODE", "unset")
    has = "refuses the one given" if mode == "token" else f"none is given (RAY_AUTH_MODE is {mode})"
    raise UserError(f"--cluster {address} asks for a token, and {has}; {_SAME_TOKEN}")


def _ask(address: str) -> str:
    """Returns what `ray health-check` says; who is no Ray at all lets it wait, and raises UserError."""
    command = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--address", address]
    try:
        # Its verdict is left to `ray.init`, which says why.
        said = subprocess.run(command, timeout=_HEALTH_S, capture_output=True, check=False, text=True)
    except subprocess.TimeoutExpired:
        raise UserError(
            f"--cluster {address} takes a connection, but is no Ray head that answers within {_HEALTH_S:g} "
            f"s; expected one there: {_START}"
        ) from None
    return said.stderr


def _show_token() -> bool:
    """Lets Ray, and the processes that it starts, show this machine's token; returns whether there is one."""
    from ray._private.authentication.authentication_token_setup import (
        maybe_enable_token_auth_if_token_available,
    )

    return maybe_enable_token_auth_if_token_available(warn_if_disabled=False)
