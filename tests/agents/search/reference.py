"""Gumbel and PUCT search once more, written to be read: dictionaries, recursion, one game at a time."""

import math

import numpy as np


class Node:
    """A position: `N`, `W`, `D` visits, summed values for its mover, and summed draws of its actions."""

    def __init__(self, game, row, evaluator):
        self.row = row
        pool, zero = np.array([row]), np.arange(1)
        result = game.result(pool, zero)
        self.mover, self.over = int(result.to_move[0]), bool(result.over[0])
        self.returns = result.returns[0]
        self.children = {}
        self.raw, self.raw_draw = 0.0, 0.0
        if not self.over:
            legal = game.legal(pool, zero)
            logits, values, draws = evaluator(game.observe(pool, zero), legal)
            self.raw, self.raw_draw = float(values[0]), float(draws[0])
            self.legal = [int(a) for a in np.flatnonzero(legal[0])]
            top = max(float(logits[0, a]) for a in self.legal)
            weight = {a: math.exp(float(logits[0, a]) - top) for a in self.legal}
            self.prior = {a: weight[a] / sum(weight.values()) for a in self.legal}
            self.N = dict.fromkeys(self.legal, 0)
            self.W = dict.fromkeys(self.legal, 0.0)
            self.D = dict.fromkeys(self.legal, 0.0)

    def q(self, a):
        return self.W[a] / self.N[a]

    def draw(self, a):
        return self.D[a] / self.N[a]

    @property
    def mean(self):
        return (self.raw + sum(self.W.values())) / (1 + sum(self.N.values()))

    @property
    def mean_draw(self):
        return (self.raw_draw + sum(self.D.values())) / (1 + sum(self.N.values()))


def simulate(game, node, evaluator, choose, discount, depth=0):
    """Walks from a node to a new one; returns the value for the node's mover, and the chance of a draw."""
    if node.over:
        return 0.0, float(not node.returns.any())
    a = choose(node, depth)
    if a not in node.children:
        pool = np.array([node.row, node.row])
        game.step(pool, np.array([1]), np.array([a]))
        child = node.children[a] = Node(game, pool[1], evaluator)
        value, draw = (0.0, float(not child.returns.any())) if child.over else (child.raw, child.raw_draw)
    else:
        child = node.children[a]
        value, draw = simulate(game, child, evaluator, choose, discount, depth + 1)
    sign = 1 if child.mover == node.mover else -1
    value = float(child.returns[node.mover]) + discount * sign * value
    node.N[a] += 1
    node.W[a] += value
    node.D[a] += draw
    return value, draw


def sigma(node, config):
    """Returns sigma(completed Q) by action."""
    total = sum(node.N.values())
    tried = [a for a in node.legal if node.N[a]]
    mixed = node.raw
    if tried:
        share = sum(node.prior[a] for a in tried)
        mixed = (node.raw + total * sum(node.prior[a] * node.q(a) for a in tried) / share) / (1 + total)
    completed = {a: node.q(a) if node.N[a] else mixed for a in node.legal}
    if config.rescale:
        low, high = min(completed.values()), max(completed.values())
        completed = {a: (v - low) / max(high - low, 1e-8) for a, v in completed.items()}
    return {a: (config.c_visit + max(node.N.values())) * config.c_scale * v for a, v in completed.items()}


def improved_policy(node, config):
    s = sigma(node, config)
    scores = {a: math.log(node.prior[a]) + s[a] for a in node.legal}
    top = max(scores.values())
    weights = {a: math.exp(v - top) for a, v in scores.items()}
    return {a: w / sum(weights.values()) for a, w in weights.items()}


def gumbel(game, row, evaluator, config, noise, turns):
    """Returns (root, action, policy); `turns[m]` lists for m actions the visit count whose turn it is."""
    root = Node(game, row, evaluator)
    base = {a: float(noise[a]) + math.log(root.prior[a]) for a in root.legal}
    order = turns[min(len(root.legal), config.max_considered)]

    def choose(node, depth):
        if depth == 0:
            s = sigma(node, config)
            return max((a for a in node.legal if node.N[a] == turn), key=lambda a: base[a] + s[a])
        policy, total = improved_policy(node, config), sum(node.N.values())
        return max(node.legal, key=lambda a: policy[a] - node.N[a] / (1 + total))

    for turn in order:  # noqa: B007 - `choose` reads it
        simulate(game, root, evaluator, choose, config.discount)
    s, most = sigma(root, config), max(root.N.values())
    action = max((a for a in root.legal if root.N[a] == most), key=lambda a: base[a] + s[a])
    return root, action, improved_policy(root, config)


def puct(game, row, evaluator, config):
    """Returns the root after PUCT without solver, for two players."""
    root = Node(game, row, evaluator)

    def choose(node, depth):
        total = sum(node.N.values())
        known = sum(node.prior[a] for a in node.legal if node.N[a])
        unknown = node.mean - (config.fpu if depth else config.root_fpu) * math.sqrt(known)
        # with no visits at all, U is 0 for all: the prior decides
        return max(
            node.legal,
            key=lambda a: (
                (node.q(a) if node.N[a] else unknown)
                + config.cpuct * node.prior[a] * math.sqrt(total) / (1 + node.N[a]),
                node.prior[a],
            ),
        )

    for _ in range(config.simulations):
        simulate(game, root, evaluator, choose, config.discount)
    return root
