"""What a sweep's configuration may hold: a base config, what varies in it, and how trials are chosen.

Whatever a trial may be asked to train is built as a config before anything runs, so that a misspelt key or a
value that the schema refuses is an error of one line.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError, model_validator

from quadrivium.agents.errors import UserError, did_you_mean
from quadrivium.configs.schema import RunConfig, flatten, load_config, to_data, validate
from quadrivium.configs.yaml_format import dump_yaml, read_yaml

_NOT_VARIED = {
    "name": "trials are named by the sweep",
    "seed": "give seeds: [0, 1] beside space",
    "total_timesteps": "trials are compared at equal steps; give it in settings",
    "max_minutes": "trials are compared at equal steps; give it in settings",
    "env.id": "returns of several worlds cannot be compared; make a sweep for each",
    "cluster": "a trial is trained on one machine; leave it out",
    "workers": "a trial is trained on one machine; leave it out",
    "evaluation": "all trials are measured alike; give it in settings",
    "checkpoint": "it changes nothing that is learnt; give it in settings",
    "logging": "it changes nothing that is learnt; give it in settings",
}


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Dimension(_Section):
    """What a key of the config may be: one of `choices`, or from `low` to `high`."""

    choices: Annotated[list[Any], Field(min_length=1)] | None = None
    """the values that there are"""
    low: int | float | None = None
    """the least value"""
    high: int | float | None = None
    """the greatest value"""
    log: bool = False
    """orders of magnitude are equally likely"""
    step: int | float | None = None
    """only low, low + step, low + 2 step, …"""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        forms = "{choices: [...]}, {low: 1e-4, high: 1e-2, log: true} or {low: 32, high: 128, step: 32}"
        if self.choices is not None:
            if self.log or (self.low, self.high, self.step) != (None, None, None):
                raise ValueError(f"expected one of these: {forms}")
            texts = [json.dumps(choice) for choice in self.choices]
            for text in texts:
                if texts.count(text) > 1:
                    raise ValueError(f"{text} is given twice; give each choice once")
            return self
        if self.low is None or self.high is None:
            raise ValueError(f"expected one of these: {forms}")
        self._require_range(self.low, self.high)
        return self

    def _require_range(self, low: float, high: float) -> None:
        if low > high:
            raise ValueError(f"the range is the wrong way round; give low: {high}, high: {low}")
        if low == high:
            raise ValueError("nothing lies between equal ends; give the key in settings instead")
        if self.log and low <= 0:
            raise ValueError(f"low: {low} has no order of magnitude; give a low above 0, or leave log out")
        if self.step is None:
            return
        if self.log:
            raise ValueError("steps are even and log is not; leave step or log out")
        if self.step <= 0:
            raise ValueError(f"step: {self.step} leads nowhere; give a step above 0")
        steps = (high - low) / self.step
        if abs(steps - round(steps)) > 1e-9 * max(steps, 1):
            last = low + int(steps) * self.step
            fits = f"give high: {last:g}" if int(steps) else f"give a step up to {high - low:g}"
            raise ValueError(f"steps of {self.step} from low: {low} miss high: {high}; {fits}")

    def ends(self) -> list[Any]:
        """Returns the values that are tried out before anything runs: all choices, or both ends."""
        return [self.low, self.high] if self.choices is None else self.choices


class SweepConfig(_Section):
    """Everything that determines a sweep beside its base config."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=70)]
    """the study is in runs/sweeps/NAME"""
    config: str
    """the path of the base config"""
    settings: dict[str, Any] = {}
    """what is otherwise than in the base config in all trials, by dotted key, such as total_timesteps"""
    measure: str = "evaluation/return"
    """what is sought the best of: a mean over the evaluation's episodes, at the end of the training"""
    direction: Literal["maximize", "minimize"] = "maximize"
    """which value is the best"""
    trials: PositiveInt
    """how many there are to be; interrupted ones do not count. May grow"""
    seeds: Annotated[list[Annotated[int, Field(ge=0, lt=2**32)]], Field(min_length=1)] = [0]
    """of each trial's runs; the mean over them counts"""
    sampler: Literal["tpe", "random"] = "tpe"
    """how values are chosen: near those that did well (Bergstra et al. 2011), or by chance"""
    sampler_seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """of what is chosen by chance"""
    startup_trials: Annotated[int, Field(ge=0)] = 5
    """so many trials come before tpe looks at values, and before median prunes"""
    pruner: Literal["none", "median", "halving"] = "median"
    """which trials end early"""
    space: Annotated[dict[str, Dimension], Field(min_length=1)]
    """by dotted key of the config"""

    @property
    def scalar(self) -> str:
        """The measure by its TensorBoard name."""
        return f"evaluation/{self.measure.removeprefix('evaluation/')}"


@dataclass(frozen=True)
class Sweep:
    """A sweep with its base config, all checked.

    Attributes:
        config: what was given.
        base: what varies, settings included.
        source: the file, in errors.
        whole: the keys of `space` whose ranges are of whole numbers.
    """

    config: SweepConfig
    base: RunConfig
    source: str
    whole: frozenset[str] = frozenset()

    def run_config(self, values: Mapping[str, Any], **others: Any) -> RunConfig:
        """Returns the base config with `values` by dotted key, and `others` at its top; raises UserError."""
        overrides = {key: json.dumps(value) for key, value in values.items()}
        return validate(to_data(self.base) | others, self.source, overrides, self._told)

    def to_text(self) -> str:
        """Returns the sweep's own configuration as YAML."""
        return dump_yaml(self.config.model_dump(mode="json", exclude_none=True))

    def _told(self, key: str) -> str:
        return f"{self.source}: space: {key}"

    def takes(self, key: str, value: Any) -> bool:
        """Returns whether the config takes a value."""
        try:
            self.run_config({key: value})
        except UserError:
            return False
        return True


def load_sweep(path: Path) -> Sweep:
    """Returns the sweep in the file `path`; raises UserError that names the first fault and its remedy."""
    config = read_sweep(path)
    source = str(path)
    base = load_config(Path(config.config))
    given = {key: json.dumps(value) for key, value in config.settings.items()}
    base = validate(to_data(base), source, given, lambda key: f"{source}: settings: {key}")
    for key in config.settings.keys() & config.space.keys():
        raise UserError(f"{source}: {key} is in settings and in space; give it in one of them")
    if base.cluster is not None:
        raise UserError(f"{config.config}: cluster is set, but {_NOT_VARIED['cluster']} there")
    if base.evaluation.every_steps is None:
        raise UserError(
            f"{config.config}: evaluation.every_steps is null, but trials are chosen by evaluations; give "
            f"settings: {{evaluation.every_steps: {max(base.total_timesteps // 5, 1)}}}, say"
        )
    for seed in config.seeds:
        if config.seeds.count(seed) > 1:
            raise UserError(f"{source}: seeds name {seed} twice; give each seed once")
    sweep = Sweep(config, base, source)
    _require_variable(sweep)
    whole: set[str] = set()
    for key, dimension in config.space.items():
        for value in dimension.ends():
            sweep.run_config({key: value})
        if _is_whole(sweep, key, dimension):
            whole.add(key)
    return Sweep(config, base, source, frozenset(whole))


def read_sweep(path: Path) -> SweepConfig:
    """Returns what a file says of a sweep, by itself; raises UserError."""
    try:
        return SweepConfig.model_validate_json(json.dumps(read_yaml(path)), strict=True)
    except ValidationError as error:
        raise UserError(_explain(error, str(path))) from None


def differing_key(one: Sweep, config: SweepConfig, base: RunConfig) -> tuple[str, Any, Any] | None:
    """Returns the first key in which a sweep is another than that of `config` and `base`, with both values.

    How many trials there are to be may differ.
    """
    aside = {"trials": None, "settings": None}  # the latter are in the base config
    before = config.model_dump(mode="json") | aside | {"config": to_data(base)}
    now = one.config.model_dump(mode="json") | aside | {"config": to_data(one.base)}
    flat_before, flat_now = flatten(before), flatten(now)
    for key in dict.fromkeys([*flat_before, *flat_now]):
        was, is_now = flat_before.get(key), flat_now.get(key)
        if was != is_now:
            return key, was, is_now
    return None


def _require_variable(sweep: Sweep) -> None:
    """Raises UserError for a key that a trial cannot choose, or that holds another one."""
    keys = sweep.config.space
    for key in keys:
        reason = _NOT_VARIED.get(key) or _NOT_VARIED.get(key.partition(".")[0])
        if reason is not None:
            raise UserError(f"{sweep.source}: space: {key} cannot vary: {reason}")
        inner = next((other for other in keys if other.startswith(f"{key}.")), None)
        if inner is not None:
            raise UserError(f"{sweep.source}: space: {key} holds {inner}; give one of them")


def _is_whole(sweep: Sweep, key: str, dimension: Dimension) -> bool:
    """Returns whether a range is of whole numbers: it is written in them, and the key takes no fraction.

    Arguments of environments say not always what they take; there it is as written.
    """
    numbers = (dimension.low, dimension.high, dimension.step)
    if dimension.choices is not None or not all(n is None or isinstance(n, int) for n in numbers):
        return False
    assert dimension.low is not None
    return ".kwargs." in key or not sweep.takes(key, dimension.low + 0.5)


def _explain(error: ValidationError, source: str) -> str:
    details = error.errors()
    unknown = [detail for detail in details if detail["type"] == "extra_forbidden"]
    detail = (unknown or details)[0]
    parts = [str(part) for part in detail["loc"] if part not in ("int", "float", "list[any]")]
    if parts[:1] == ["space"] and len(parts) > 1:
        key = ": ".join(parts[:2] + parts[2:3])
    else:
        key = ".".join(parts)
    if unknown:
        known = list((Dimension if parts[0] == "space" else SweepConfig).model_fields)
        near = did_you_mean(parts[-1], known)
        return f"{source}: {key} is not a known key{near}; there are: {', '.join(known)}"
    if detail["type"] == "missing":
        return f"{source}: {key} is missing; add it"
    if detail["type"] == "value_error":  # of a dimension: the sentence has its own remedy
        return f"{source}: {key}: {detail['msg'].removeprefix('Value error, ')}"
    expected = detail["msg"].replace("Input should be", "expected", 1)
    expected = expected.replace("String should", "expected text to", 1)
    hint = ""
    if detail["type"] == "literal_error":
        hint = did_you_mean(str(detail["input"]), re.findall(r"'(\w+)'", expected))
    return f"{source}: {key} = {json.dumps(detail['input'])[:60]}: {expected}{hint}; change it there"
