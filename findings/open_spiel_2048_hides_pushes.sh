#!/usr/bin/env bash
# OpenSpiel 2.0.2: in `2048`, legal_actions() leaves out pushes that the game itself carries out.
#
# One would guess that legal_actions() of a board are the pushes that move or join something on it, and that they follow
# from the board alone, as in the game.
# So it is not: a push that joins tiles is missing where one of them was made by the push before, in about 6 of 100
# positions of random play. apply_action() accepts it, joins the tiles and pays for them. Who searches with the list
# plays a harder game; masks from boards and from the list differ. No push is listed that does nothing.
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check "open-spiel==2.0.2"

cat > "$place/pushes.py" <<'PYTHON'
import importlib.metadata
import random

import pyspiel

draw, game = random.Random(0), pyspiel.load_game("2048")
positions = hidden = idle = 0
shown = None
for _ in range(20):
    state = game.new_initial_state()
    while not state.is_terminal():
        if state.is_chance_node():
            outcomes, chances = zip(*state.chance_outcomes())
            state.apply_action(draw.choices(outcomes, chances)[0])
            continue
        listed = state.legal_actions()
        changes = [push for push in range(4) if str(state.child(push)) != str(state)]
        positions += 1
        hidden += not set(changes) <= set(listed)
        idle += not set(listed) <= set(changes)
        if shown is None and changes != listed:
            (push,) = set(changes) - set(listed)
            shown = f"{state}listed {listed}; push {push}, which is not, gives\n{state.child(push)}"
        state.apply_action(draw.choice(listed))

print("open-spiel", importlib.metadata.version("open-spiel"))
print(shown)
print(f"{positions} positions: in {hidden} a push that changes the board is not listed, in {idle} a listed one does not")
assert hidden > 50 and idle == 0, "this has changed"
PYTHON
"$place/venv/bin/python" "$place/pushes.py"
