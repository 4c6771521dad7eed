"""An audit of trading environments, ours or others: faults that make results worthless, each with evidence.

`audit(make_env)` plays a Gymnasium environment and looks for what others shipped: seeds that do not seed,
rows of an earlier episode in the window, observations that know the future, rewards that disagree with
profit, money that appears, fees that cost nothing, interest that is forgiven, ruin without a loss.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium

from quadrivium.envs.trading.audit import conduct, money
from quadrivium.envs.trading.audit.adapters import Adapter, NotReachable, adapter_for
from quadrivium.envs.trading.audit.play import global_generators_kept
from quadrivium.envs.trading.audit.subject import Check, Subject, Verdict

# Name -> check, in the order in which they are reported.
CHECKS: dict[str, Check] = {
    "finite": conduct.finite_numbers,
    "seeding": conduct.seeding,
    "reset residue": conduct.reset_residue,
    "look-ahead": conduct.look_ahead,
    "reward sign": money.reward_sign,
    "accounting": money.accounting,
    "costs": money.costs,
    "financing": money.financing,
    "ruin": money.ruin,
    "warnings": conduct.warning_filters,
}


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        check: its name, of `CHECKS`.
        verdict: "pass", "fail" or "not checked".
        evidence: one line: what was seen, or why nothing was.
    """

    check: str
    verdict: Verdict
    evidence: str


@dataclass(frozen=True)
class AuditReport:
    """The findings on one environment, in the order of `CHECKS`."""

    environment: str
    findings: tuple[Finding, ...]

    @property
    def faults(self) -> tuple[Finding, ...]:
        """The findings that are faults."""
        return tuple(finding for finding in self.findings if finding.verdict == "fail")

    def __getitem__(self, check: str) -> Finding:
        return next(finding for finding in self.findings if finding.check == check)

    def __str__(self) -> str:
        lines = [f"{one.check:<14} {one.verdict:<12} {one.evidence}" for one in self.findings]
        return "\n".join([self.environment, *lines])

    def to_dict(self) -> dict[str, Any]:
        """Returns the report as plain data for JSON."""
        findings = [
            {"check": one.check, "verdict": one.verdict, "evidence": one.evidence} for one in self.findings
        ]
        return {"environment": self.environment, "faults": len(self.faults), "findings": findings}


def audit(
    make_env: Callable[[], gymnasium.Env],
    *,
    adapter: Adapter | None = None,
    episodes: int = 20,
    seed: int = 0,
    name: str | None = None,
) -> AuditReport:
    """Returns what every check of `CHECKS` found on the environments that `make_env` returns.

    The global random generators are put back as they were.

    make_env: returns a new environment, every time alike. adapter: how to reach data, account and costs; by
    default the one of the environment's family, where known. episodes: of random actions, for the checks that
    count. name: of the report; default: the environment's id or type.

    Raises ValueError for fewer than one episode. What the environment raises becomes evidence.
    """
    if episodes < 1:
        raise ValueError(f"episodes={episodes} must be at least 1, such as 20")
    with global_generators_kept(), warnings.catch_warnings():
        made = make_env()
        env = made.unwrapped
        subject = Subject(make_env, adapter or adapter_for(env), episodes, seed)
        if name is None:
            name = made.spec.id if made.spec is not None else type(env).__name__
        return AuditReport(name, tuple(_examine(check, subject) for check in CHECKS))


def _examine(check: str, subject: Subject) -> Finding:
    try:
        verdict, evidence = CHECKS[check](subject)
    except NotReachable as why:
        verdict, evidence = "not checked", str(why)
    except Exception as error:  # whatever a foreign environment raises is a finding, not our end
        verdict, evidence = "fail", f"raised {type(error).__name__}: {' '.join(str(error).split())[:120]}"
    return Finding(check, verdict, evidence)
