#!/usr/bin/env bash
# OpenSpiel 2.0.2: `leduc_poker` is not the game of 288 information sets that papers measure.
#
# One would guess that the game "leduc_poker" with no parameters is Leduc hold'em as in the literature, whose cards are
# ranks: 288 information sets, the suits told apart by nobody.
# So it is not: by default the suits are seen, which makes 936 information sets. Both have the same value, but what is
# counted a set, such as tables, iterations' times and exploitabilities of random strategies, is of another game.
# `leduc_poker(suit_isomorphism=true)` is the game of the papers.
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check "open-spiel==2.0.2"

cat > "$place/count.py" <<'PYTHON'
import importlib.metadata

import pyspiel


def information_sets(name):
    """Returns the information states of both players, over all histories of the game."""
    found, open_states = set(), [pyspiel.load_game(name).new_initial_state()]
    while open_states:
        state = open_states.pop()
        if state.is_terminal():
            continue
        if not state.is_chance_node():
            found.add((state.current_player(), state.information_state_string()))
        open_states += [state.child(action) for action in state.legal_actions()]
    return len(found)


print("open-spiel", importlib.metadata.version("open-spiel"))
plain, alike = (information_sets(f"leduc_poker{options}") for options in ("", "(suit_isomorphism=true)"))
print(f"leduc_poker: {plain} information sets; with suit_isomorphism=true: {alike}")
assert (plain, alike) == (936, 288), "this has changed"
PYTHON
"$place/venv/bin/python" "$place/count.py"
