"""The numbers of one evaluation under the names that TensorBoard shows them by."""

from collections.abc import Mapping

from quadrivium.intervals import Interval


def evaluation_scalars(
    summary: Mapping[str, Interval], baselines: Mapping[str, Mapping[str, Interval]]
) -> dict[str, float]:
    """Returns the scalars of one evaluation by TensorBoard name.

    `evaluation/M` is the mean of measure M, `uncertainty/M_low` and `_high` the ends of its interval, and
    `versus/B/M` the mean of baseline B: the same number each time, so that its line runs beside. (TensorBoard
    sorts groups by name; the last two are there for the charts of CUSTOM SCALARS.)
    """
    scalars: dict[str, float] = {}
    for name, value in _measures(summary).items():
        scalars[f"evaluation/{name}"] = value.estimate
        scalars[f"uncertainty/{name}_low"] = value.low
        scalars[f"uncertainty/{name}_high"] = value.high
    for baseline, its_summary in baselines.items():
        scalars |= {f"versus/{baseline}/{name}": v.estimate for name, v in _measures(its_summary).items()}
    return scalars


def _measures(summary: Mapping[str, Interval]) -> dict[str, Interval]:
    return {name: value for name, value in summary.items() if not name.startswith("reward/")}
