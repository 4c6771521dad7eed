# Kernel code: Numba is partly typed.
# pyright: basic, reportMissingParameterType=false, reportAttributeAccessIssue=false
"""The trees' layout, and the functions on one tree that run over many trees at once.

One file on purpose: Numba keeps compiled kernels on disk and watches only their own file, so what they call
and every constant that they freeze stands beside them. What a parallel loop does is always a function of its
own: Numba (0.68) loses what the loop itself writes to arrays that are in a tuple.

Node 0 of a tree is its root, and a node comes after its parent. A node's edges, one a legal action, lie side
by side. The first `TRIED` of them lead to children and the others do not; the next edge to be tried is always
the untried one of the highest prior, which is swapped to the front when its turn comes (the root of a Gumbel
search, which tries edges in another order, apart). So a visit looks at the children and one edge more,
however many actions a game has. Ties go to the lower action.

Values are seen by the player to move at the node in question ("the mover"); an edge's are seen by the mover
at its parent. From child to parent a value is discounted, changes sign if the mover changed, and gains the
reward.
"""

import math
from typing import NamedTuple

import numba
import numpy as np

# columns of `TreeArrays.nodes`
PARENT = 0  # node, or NO_PARENT
SLOT = 1  # the edge from the parent
FIRST = 2  # the first edge
LEGAL = 3  # legal actions: edges; 0 in an ended game
TRIED = 4  # edges with a child
VISITS = 5  # simulations that came here, the one that made the node included
MOVER = 6  # seat to move
PROVEN = 7  # the outcome for the mover under best play, -1, 0 or 1; or UNPROVEN; or SAFE
NODE_FIELDS = 8

# columns of `TreeArrays.sums`
RAW = 0  # the evaluator's value
TOTAL = 1  # of the values of all visits
REWARD = 2  # of the step from the parent, for the mover there
SUM_FIELDS = 3

# columns of `TreeArrays.counts`
CHILD = 0  # node, or UNVISITED
TIMES = 1  # simulations that went this way
COUNT_FIELDS = 2

# columns of `TreeArrays.gains`
GAIN = 0  # sum of the values of these simulations, for the mover at the parent
SQUARES = 1  # of their squares
GAIN_FIELDS = 2

NO_PARENT = -1
UNVISITED = -1
UNPROVEN = 2  # what is less is proven
SAFE = 3  # the mover has a move that draws, and perhaps a better one

# what a simulation does next: the first column of `TreeArrays.plan`
RESTING = -1  # nothing: the tree is proven, or full
NEW = 0  # makes a node
AGAIN = 1  # ends in a game that is over

_TINY = np.float32(1e-30)  # a prior is never less
_NARROW = np.float32(1e-8)  # a range of values is never taken to be less


class TreeArrays(NamedTuple):
    """B trees of at most N nodes and E edges. What is not in use holds anything."""

    nodes: np.ndarray  # (B, N, NODE_FIELDS) int32
    sums: np.ndarray  # (B, N, SUM_FIELDS) float32
    actions: np.ndarray  # (B, E) int32, the action of each edge
    priors: np.ndarray  # (B, E) float32, the policy's probability; its logit while none of a node's is tried
    counts: np.ndarray  # (B, E, COUNT_FIELDS) int32, of the tried edges
    gains: np.ndarray  # (B, E, GAIN_FIELDS) float32, likewise
    outcomes: np.ndarray  # (B, E) int8, likewise: the proven outcome for the mover at the parent, or UNPROVEN
    sizes: np.ndarray  # (B,) int32, nodes in use; 0: no tree yet
    used: np.ndarray  # (B,) int32, edges in use
    bounds: np.ndarray  # (B, 2) float32, the least and the greatest mean value met at an edge
    plan: np.ndarray  # (B, 4) int32, what the simulation does: kind, node reached, its edge, its action
    work: np.ndarray  # (B, A) float32, scratch


class Steps(NamedTuple):
    """The new nodes of one simulation, as they pass to the game and back. Some arrays are by tree, (B,)."""

    owners: np.ndarray  # (B,) int64, the tree of each new node
    sources: np.ndarray  # (B,) int64, the pool's row of its parent
    targets: np.ndarray  # (B,) int64, its own
    moves: np.ndarray  # (B,) int64, the action between
    rows: np.ndarray  # (B,) int64, the rows of those that go on, to be evaluated
    place: np.ndarray  # (B,) int64, by tree: the new node's place in `rows`, or -1 if its game is over
    movers: np.ndarray  # (B,) int8, by tree: who is to move there
    rewards: np.ndarray  # (B,) float32, by tree: of the step, for the mover at the parent


class GumbelRule(NamedTuple):
    """What selection needs of a `GumbelConfig`."""

    c_visit: np.float32
    c_scale: np.float32
    rescale: bool


class PuctRule(NamedTuple):
    """What selection needs of a `PuctConfig`; `normalise` maps values to [-1, 1] by the range met."""

    cpuct: np.float32
    fpu: np.float32
    root_fpu: np.float32
    solver: bool
    normalise: bool


_part = numba.njit(error_model="numpy", _nrt=False, forceinline=True)  # pyright: ignore[reportCallIssue]
"""Compiles a part of a kernel. It allocates nothing, so counting references would only take time; and inlined
it need not be handed all the arrays of a `TreeArrays`, which takes longer than most parts do."""


# ---- selection


@_part
def _bring_forward(t, b, slot, end):
    """Swaps the edge of the highest prior among `slot` to `end` to `slot`."""
    best = slot
    top, lowest = t.priors[b, slot], t.actions[b, slot]
    for e in range(slot + 1, end):
        prior = t.priors[b, e]
        if prior > top or (prior == top and t.actions[b, e] < lowest):
            best, top, lowest = e, prior, t.actions[b, e]
    if best != slot:
        t.priors[b, best], t.actions[b, best] = t.priors[b, slot], t.actions[b, slot]
        t.priors[b, slot], t.actions[b, slot] = top, lowest


@_part
def _normalise(t, b, node):
    """Turns the logits of a node's edges into priors, softmax(logits)."""
    first, end = t.nodes[b, node, FIRST], t.nodes[b, node, FIRST] + t.nodes[b, node, LEGAL]
    top = np.float32(-np.inf)
    for e in range(first, end):
        top = max(top, t.priors[b, e])
    total = np.float32(0.0)
    for e in range(first, end):
        weight = max(math.exp(t.priors[b, e] - top), _TINY)
        t.priors[b, e] = weight
        total += weight
    share = np.float32(1.0) / total
    for e in range(first, end):
        t.priors[b, e] *= share


@_part
def _choose_lagging(t, b, node, rule):
    """Returns the edge to follow below the root of a Gumbel search.

    The one whose share of visits lags most behind the improved policy softmax(logits + sigma(completed Q))
    (Danihelka et al. 2022, eq. 14). As a prior is a softmax of logits, the improved policy is proportional to
    prior * exp(sigma): untried edges, which all have the same completed value, need one exponential together.
    """
    first, legal, tried = t.nodes[b, node, FIRST], t.nodes[b, node, LEGAL], t.nodes[b, node, TRIED]
    if tried == 0:  # the first time here: most nodes are left before, and need no priors
        _normalise(t, b, node)
        _bring_forward(t, b, first, first + legal)
        return first
    known, weighted, most = np.float32(0.0), np.float32(0.0), 0
    lowest, highest = np.float32(np.inf), np.float32(-np.inf)
    for k in range(tried):
        e = first + k
        q = t.gains[b, e, GAIN] / np.float32(t.counts[b, e, TIMES])
        t.work[b, k] = q
        known += t.priors[b, e]
        weighted += t.priors[b, e] * q
        most = max(most, t.counts[b, e, TIMES])
        lowest, highest = min(lowest, q), max(highest, q)
    visits = np.float32(t.nodes[b, node, VISITS])  # one more than the edges have together
    mixed = (t.sums[b, node, RAW] + (visits - np.float32(1.0)) * weighted / known) / visits  # eq. 33
    if tried < legal:
        lowest, highest = min(lowest, mixed), max(highest, mixed)
    scale = (rule.c_visit + np.float32(most)) * rule.c_scale
    if rule.rescale:
        scale /= max(highest - lowest, _NARROW)
    total = np.float32(0.0)
    for k in range(tried):
        weight = max(t.priors[b, first + k] * math.exp(scale * (t.work[b, k] - highest)), _TINY)
        t.work[b, k] = weight
        total += weight
    untried = np.float32(0.0)
    if tried < legal:
        untried = math.exp(scale * (mixed - highest))
        total += untried * max(np.float32(1.0) - known, np.float32(0.0))
    per_total, per_visit = np.float32(1.0) / total, np.float32(1.0) / visits
    best, best_score = 0, np.float32(-np.inf)
    for k in range(tried):
        score = t.work[b, k] * per_total - np.float32(t.counts[b, first + k, TIMES]) * per_visit
        if score > best_score:
            best, best_score = k, score
    if tried < legal and t.priors[b, first + tried] * untried * per_total > best_score:
        best = tried
    return first + best


@_part
def _choose_considered(t, b, scores, considered, rule):
    """Returns the root's edge whose turn it is in sequential halving.

    The highest of gumbel + logit (`scores`, by edge) + sigma(completed Q) among the edges tried `considered`
    times (Danihelka et al. 2022, algorithm 2).
    """
    first, legal = t.nodes[b, 0, FIRST], t.nodes[b, 0, LEGAL]
    known, weighted = np.float32(0.0), np.float32(0.0)
    most, tried = 0, 0
    lowest, highest = np.float32(np.inf), np.float32(-np.inf)
    for e in range(first, first + legal):
        times = t.counts[b, e, TIMES]
        if times > 0:
            q = t.gains[b, e, GAIN] / np.float32(times)
            known += t.priors[b, e]
            weighted += t.priors[b, e] * q
            most = max(most, times)
            lowest, highest = min(lowest, q), max(highest, q)
            tried += 1
    mixed = t.sums[b, 0, RAW]
    if tried > 0:
        visits = np.float32(t.nodes[b, 0, VISITS])
        mixed = (mixed + (visits - np.float32(1.0)) * weighted / known) / visits
    if tried < legal:
        lowest, highest = min(lowest, mixed), max(highest, mixed)
    scale = (rule.c_visit + np.float32(most)) * rule.c_scale
    if rule.rescale:
        scale /= max(highest - lowest, _NARROW)
    best, best_score = 0, np.float32(-np.inf)
    for k in range(legal):
        if t.counts[b, first + k, TIMES] == considered:
            q = t.gains[b, first + k, GAIN] / np.float32(considered) if considered > 0 else mixed
            score = scores[k] + scale * (q - lowest)
            if score > best_score:
                best, best_score = k, score
    return first + best


@_part
def _choose_puct(t, b, node, rule):
    """Returns the edge to follow: the highest Q + U.

    U = cpuct * prior * sqrt(visits) / (1 + times) (Silver et al. 2017). An untried edge's Q is the node's
    value less `fpu` times the root of the priors tried (first-play urgency, as in KataGo). Edges proven lost
    are passed over. A single player's values, of no known range, are mapped to [-1, 1] by the least and the
    greatest met in the tree (Schrittwieser et al. 2020, eq. 5).
    """
    first, legal, tried = t.nodes[b, node, FIRST], t.nodes[b, node, LEGAL], t.nodes[b, node, TRIED]
    if tried == 0:  # the first time here: most nodes are left before, and need no priors
        _normalise(t, b, node)
        _bring_forward(t, b, first, first + legal)
        return first
    factor, shift = np.float32(1.0), np.float32(0.0)
    if rule.normalise:
        span = t.bounds[b, 1] - t.bounds[b, 0]
        factor = np.float32(2.0) / span if span > _NARROW else np.float32(0.0)
        shift = np.float32(0.5) * (t.bounds[b, 0] + t.bounds[b, 1])
    exploration = rule.cpuct * math.sqrt(np.float32(t.nodes[b, node, VISITS] - 1))
    known = np.float32(0.0)
    best, best_score = -1, np.float32(-np.inf)
    for k in range(tried):
        e = first + k
        known += t.priors[b, e]
        if rule.solver and t.outcomes[b, e] != UNPROVEN:
            continue
        times = np.float32(t.counts[b, e, TIMES])
        q = (t.gains[b, e, GAIN] / times - shift) * factor
        score = q + exploration * t.priors[b, e] / (np.float32(1.0) + times)
        if score > best_score:
            best, best_score = k, score
    if tried < legal:
        q = (t.sums[b, node, TOTAL] / np.float32(t.nodes[b, node, VISITS]) - shift) * factor
        reduction = rule.root_fpu if node == 0 else rule.fpu
        score = q - reduction * math.sqrt(known) + exploration * t.priors[b, first + tried]
        if score > best_score:
            best = tried
    return first + best


@_part
def _child_or_plan(t, b, node, slot):
    """Returns the child at an edge; where there is none, plans to make one and returns UNVISITED."""
    if slot - t.nodes[b, node, FIRST] < t.nodes[b, node, TRIED]:
        child = t.counts[b, slot, CHILD]
        if child != UNVISITED:
            return child
    t.plan[b, 0], t.plan[b, 1], t.plan[b, 2], t.plan[b, 3] = NEW, node, slot, t.actions[b, slot]
    return UNVISITED


@_part
def _select_gumbel_one(t, b, scores, considered, rule):
    """Walks down one tree."""
    slot = _choose_considered(t, b, scores, considered, rule)
    node = 0
    while True:
        child = _child_or_plan(t, b, node, slot)
        if child == UNVISITED:
            break
        node = child
        if t.nodes[b, node, LEGAL] == 0:
            t.plan[b, 0], t.plan[b, 1] = AGAIN, node
            break
        slot = _choose_lagging(t, b, node, rule)


@numba.njit(cache=True, parallel=True, error_model="numpy")
def select_gumbel(t, trees, scores, considered, rule):
    """Walks down each of `trees` (n,) to where a node is to be made; writes their plans.

    scores (n, A) float32: gumbel + logit of the root's edges; considered (n,) int32: the count of visits
    whose turn it is.
    """
    for i in numba.prange(trees.shape[0]):
        _select_gumbel_one(t, trees[i], scores[i], considered[i], rule)


@_part
def _select_puct_one(t, b, rule):
    """Walks down one tree."""
    if t.sizes[b] == t.nodes.shape[1] or (rule.solver and t.nodes[b, 0, PROVEN] < UNPROVEN):
        t.plan[b, 0] = RESTING
        return
    node = 0
    while True:
        if t.nodes[b, node, LEGAL] == 0:
            t.plan[b, 0], t.plan[b, 1] = AGAIN, node
            break
        slot = _choose_puct(t, b, node, rule)
        child = _child_or_plan(t, b, node, slot)
        if child == UNVISITED:
            break
        node = child


@numba.njit(cache=True, parallel=True, error_model="numpy")
def select_puct(t, trees, rule):
    """Walks down each of `trees` (n,) to where a node is to be made; writes their plans.

    A tree that is proven or full rests.
    """
    for i in numba.prange(trees.shape[0]):
        _select_puct_one(t, trees[i], rule)


# ---- to the game and back


@numba.njit(cache=True, error_model="numpy")
def gather_new(t, trees, steps):
    """Lists the new nodes that `trees` plan; returns how many."""
    n, capacity = 0, t.nodes.shape[1]
    for i in range(trees.shape[0]):
        b = trees[i]
        if t.plan[b, 0] == NEW:
            steps.owners[n] = b
            steps.sources[n] = b * capacity + t.plan[b, 1]
            steps.targets[n] = b * capacity + t.sizes[b]
            steps.moves[n] = t.plan[b, 3]
            n += 1
    return n


@numba.njit(cache=True, error_model="numpy")
def gather_results(t, n, steps, over, to_move, returns):
    """Files what the steps to the n new nodes gave, and lists those that go on; returns how many."""
    running = 0
    for k in range(n):
        b = steps.owners[k]
        steps.movers[b] = to_move[k]
        steps.rewards[b] = returns[k, t.nodes[b, t.plan[b, 1], MOVER]]
        steps.place[b] = -1
        if not over[k]:
            steps.place[b] = running
            steps.rows[running] = steps.targets[k]
            running += 1
    return running


# ---- expansion and backup


@_part
def _write_node(t, b, node, parent, slot, mover, reward):
    t.nodes[b, node, PARENT], t.nodes[b, node, SLOT], t.nodes[b, node, MOVER] = parent, slot, mover
    t.nodes[b, node, LEGAL], t.nodes[b, node, TRIED], t.nodes[b, node, VISITS] = 0, 0, 0
    t.nodes[b, node, PROVEN] = UNPROVEN
    t.sums[b, node, REWARD], t.sums[b, node, RAW], t.sums[b, node, TOTAL] = reward, 0.0, 0.0


@_part
def _write_edges(t, b, node, logits, legal):
    """Writes a node's edges, with the logits of the legal actions for priors until `_normalise`."""
    first = t.used[b]
    end = first
    for a in range(legal.shape[0]):
        if legal[a]:
            t.actions[b, end] = a
            t.priors[b, end] = logits[a]
            end += 1
    t.nodes[b, node, FIRST], t.nodes[b, node, LEGAL] = first, end - first
    t.used[b] = end


@_part
def _clear_edge(t, b, e):
    t.counts[b, e, CHILD], t.counts[b, e, TIMES] = UNVISITED, 0
    t.gains[b, e, GAIN], t.gains[b, e, SQUARES] = 0.0, 0.0
    t.outcomes[b, e] = UNPROVEN


@_part
def _plant_one(t, b, mover, logits, value, legal, any_order):
    """Begins one tree anew."""
    t.sizes[b], t.used[b] = 1, 0
    t.bounds[b, 0], t.bounds[b, 1] = np.inf, -np.inf
    _write_node(t, b, 0, NO_PARENT, UNVISITED, mover, 0.0)
    _write_edges(t, b, 0, logits, legal)
    t.nodes[b, 0, VISITS] = 1
    t.sums[b, 0, RAW], t.sums[b, 0, TOTAL] = value, value
    if any_order:
        _normalise(t, b, 0)
        t.nodes[b, 0, TRIED] = t.nodes[b, 0, LEGAL]
        for e in range(t.used[b]):
            _clear_edge(t, b, e)


@numba.njit(cache=True, parallel=True, error_model="numpy")
def plant(t, trees, movers, logits, values, legal, any_order):
    """Begins each of `trees` (n,) anew with a root alone; movers (n,), logits and legal (n, A), values (n,).

    any_order: the root's edges may be tried in any order, not by their priors alone.
    """
    for i in numba.prange(trees.shape[0]):
        _plant_one(t, trees[i], movers[i], logits[i], values[i], legal[i], any_order)


@_part
def _prove(t, b, node):
    """Marks a node as proven if its edges' proven outcomes settle it (Winands et al. 2008); says whether."""
    first, tried = t.nodes[b, node, FIRST], t.nodes[b, node, TRIED]
    best = -1
    settled = tried == t.nodes[b, node, LEGAL]
    for e in range(first, first + tried):
        outcome = t.outcomes[b, e]
        if outcome == UNPROVEN:
            settled = False
        else:
            best = max(best, outcome)
    if best == 1 or settled:
        t.nodes[b, node, PROVEN] = best
        return True
    if best == 0:
        t.nodes[b, node, PROVEN] = SAFE
    return False


@_part
def _back_up(t, b, node, value, discount, solver):
    """Adds a visit of `value` to a node and to all above it; with `solver`, proven outcomes as well."""
    t.nodes[b, node, VISITS] += 1
    t.sums[b, node, TOTAL] += value
    proof = solver and t.nodes[b, node, PROVEN] < UNPROVEN
    lowest, highest = t.bounds[b, 0], t.bounds[b, 1]
    while t.nodes[b, node, PARENT] != NO_PARENT:
        parent, e = t.nodes[b, node, PARENT], t.nodes[b, node, SLOT]
        future = discount * value
        if t.nodes[b, node, MOVER] != t.nodes[b, parent, MOVER]:
            future = -future
        value = t.sums[b, node, REWARD] + future
        times = t.counts[b, e, TIMES] + 1
        t.counts[b, e, TIMES] = times
        t.gains[b, e, GAIN] += value
        t.gains[b, e, SQUARES] += value * value
        if proof:
            outcome = np.rint(value)  # the edge is worth exactly that
            t.outcomes[b, e] = np.int8(outcome)
            t.gains[b, e, GAIN], t.gains[b, e, SQUARES] = times * outcome, times * outcome * outcome
            proof = _prove(t, b, parent)
            if proof:
                value = np.float32(t.nodes[b, parent, PROVEN])
        if solver and value < 0 and t.nodes[b, parent, PROVEN] == SAFE:
            value = np.float32(0.0)  # the mover would rather draw
        q = t.gains[b, e, GAIN] / np.float32(times)
        lowest, highest = min(lowest, q), max(highest, q)
        t.nodes[b, parent, VISITS] += 1
        t.sums[b, parent, TOTAL] += value
        node = parent
    t.bounds[b, 0], t.bounds[b, 1] = lowest, highest


@_part
def _expand_and_back_up_one(t, b, steps, logits, values, legal, discount, solver):
    """Makes one tree's planned node and backs its value up, or carries out another plan."""
    if t.plan[b, 0] == RESTING:
        return
    node, value = t.plan[b, 1], np.float32(0.0)
    if t.plan[b, 0] == NEW:
        parent, slot = t.plan[b, 1], t.plan[b, 2]
        node = t.sizes[b]
        t.sizes[b] += 1
        if slot - t.nodes[b, parent, FIRST] == t.nodes[b, parent, TRIED]:
            t.nodes[b, parent, TRIED] += 1
            _clear_edge(t, b, slot)
            untried, end = slot + 1, t.nodes[b, parent, FIRST] + t.nodes[b, parent, LEGAL]
            if untried < end:
                _bring_forward(t, b, untried, end)
        t.counts[b, slot, CHILD] = node
        _write_node(t, b, node, parent, slot, steps.movers[b], steps.rewards[b])
        k = steps.place[b]
        if k >= 0:
            _write_edges(t, b, node, logits[k], legal[k])
            value = values[k]
            t.sums[b, node, RAW] = value
        elif solver:
            outcome = np.int32(np.rint(steps.rewards[b]))
            same = steps.movers[b] == t.nodes[b, parent, MOVER]
            t.nodes[b, node, PROVEN] = outcome if same else -outcome
    _back_up(t, b, node, value, discount, solver)


@numba.njit(cache=True, parallel=True, error_model="numpy")
def expand_and_back_up(t, trees, steps, logits, values, legal, discount, solver):
    """Makes the planned node of each of `trees` (n,) and backs its value up, or carries out another plan.

    logits and legal (m, A), values (m,): of the rows in `steps.rows`.
    """
    for i in numba.prange(trees.shape[0]):
        _expand_and_back_up_one(t, trees[i], steps, logits, values, legal, discount, solver)


# ---- roots


@_part
def _read_roots_one(t, b, priors, visits, q, squares, outcomes):
    """Writes what one root knows."""
    first = t.nodes[b, 0, FIRST]
    for e in range(first, first + t.nodes[b, 0, LEGAL]):
        a = t.actions[b, e]
        priors[a] = t.priors[b, e]
        times = t.counts[b, e, TIMES] if e < first + t.nodes[b, 0, TRIED] else 0
        if times > 0:
            visits[a] = times
            q[a] = t.gains[b, e, GAIN] / np.float32(times)
            squares[a] = t.gains[b, e, SQUARES] / np.float32(times)
            outcomes[a] = t.outcomes[b, e]


@numba.njit(cache=True, parallel=True, error_model="numpy")
def read_roots(t, trees, priors, visits, q, squares, outcomes):
    """Writes what the roots of `trees` (n,) know of each action into arrays (n, A), where that is something.

    visits int32; priors, q and squares, the means of the values and of their squares, float32; outcomes int8.
    """
    for i in numba.prange(trees.shape[0]):
        _read_roots_one(t, trees[i], priors[i], visits[i], q[i], squares[i], outcomes[i])


@numba.njit(cache=True, error_model="numpy")
def keep_subtrees(t, trees, moves, places):
    """Makes the child at action moves[i] the root of tree trees[i], with all that is below it; the rest is
    lost.

    Nodes keep their order, so each moves towards the front, over what is no longer needed. places (n, N)
    int32 receives which node each new one was. A tree without that child, or whose child is the end of the
    game, gets size 0.
    """
    capacity = t.nodes.shape[1]
    new_of, shift = np.empty(capacity, np.int32), np.empty(capacity, np.int32)
    for i in range(trees.shape[0]):
        b = trees[i]
        root = UNVISITED
        if t.sizes[b] > 0:
            first = t.nodes[b, 0, FIRST]
            for e in range(first, first + t.nodes[b, 0, TRIED]):
                if t.actions[b, e] == moves[i]:
                    root = t.counts[b, e, CHILD]
        if root == UNVISITED or t.nodes[b, root, LEGAL] == 0:
            t.sizes[b] = 0
            continue
        size, free = 0, 0
        for node in range(root, t.sizes[b]):
            parent, slot = NO_PARENT, UNVISITED
            if node != root:
                above = t.nodes[b, node, PARENT]
                if above < root or new_of[above] == UNVISITED:
                    new_of[node] = UNVISITED
                    continue
                parent, slot = new_of[above], t.nodes[b, node, SLOT] + shift[above]
                t.counts[b, slot, CHILD] = size
            first, legal, tried = t.nodes[b, node, FIRST], t.nodes[b, node, LEGAL], t.nodes[b, node, TRIED]
            new_of[node], shift[node] = size, free - first
            for k in range(legal):
                t.actions[b, free + k], t.priors[b, free + k] = (
                    t.actions[b, first + k],
                    t.priors[b, first + k],
                )
            for k in range(tried):
                t.outcomes[b, free + k] = t.outcomes[b, first + k]
                for c in range(COUNT_FIELDS):
                    t.counts[b, free + k, c] = t.counts[b, first + k, c]
                for c in range(GAIN_FIELDS):
                    t.gains[b, free + k, c] = t.gains[b, first + k, c]
            for c in range(NODE_FIELDS):
                t.nodes[b, size, c] = t.nodes[b, node, c]
            for c in range(SUM_FIELDS):
                t.sums[b, size, c] = t.sums[b, node, c]
            t.nodes[b, size, PARENT], t.nodes[b, size, SLOT], t.nodes[b, size, FIRST] = parent, slot, free
            places[i, size] = node
            size += 1
            free += legal
        t.sizes[b], t.used[b] = size, free
