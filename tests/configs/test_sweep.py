"""A sweep is checked before anything runs, and every fault is one line with its remedy."""

from pathlib import Path

import pytest

from quadrivium.agents.errors import UserError
from quadrivium.configs.schema import to_data
from quadrivium.configs.sweep import differing_key, load_sweep
from quadrivium.configs.yaml_format import dump_yaml, parse_yaml
from tests.configs.test_schema import MINIMAL

ROOT = Path(__file__).parents[2]


def write_sweep(directory, space, base=MINIMAL, **others):
    (directory / "base.yaml").write_text(dump_yaml(base))
    data = {"name": "s", "config": str(directory / "base.yaml"), "trials": 3, **others, "space": space}
    path = directory / "s.yaml"
    path.write_text(dump_yaml(data))
    return path


def read(text):
    return parse_yaml(text, "test")


@pytest.mark.parametrize("path", sorted((ROOT / "configs/sweeps").glob("*.yaml")), ids=lambda one: one.stem)
def test_a_published_sweep_is_one_and_complete(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    sweep = load_sweep(path)
    assert sweep.config.name == path.stem
    assert sweep.config.model_fields_set == set(type(sweep.config).model_fields)


def test_a_trial_is_the_base_config_with_its_values(tmp_path):
    space = "{agent.net.trunk: {choices: [mlp, transformer]}, agent.net.depth: {low: 1, high: 3}}"
    sweep = load_sweep(write_sweep(tmp_path, read(space)))
    config = sweep.run_config({"agent.net.trunk": "transformer", "agent.net.depth": 3}, name="x", seed=7)
    before, now = to_data(sweep.base), to_data(config)
    assert (now["agent"]["net"].pop("trunk"), now["agent"]["net"].pop("depth")) == ("transformer", 3)
    del before["agent"]["net"]["trunk"], before["agent"]["net"]["depth"]
    assert now == before | {"name": "x", "seed": 7}


def test_ranges_are_whole_where_the_key_takes_no_fraction(tmp_path):
    space = read(
        "{agent.n_epochs: {low: 1, high: 9}, agent.max_grad_norm: {low: 1, high: 9}, "
        "env.kwargs.size: {low: 1, high: 9}, env.kwargs.gain: {low: 1, high: 1.5}}"
    )
    assert load_sweep(write_sweep(tmp_path, space)).whole == {"agent.n_epochs", "env.kwargs.size"}


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ("{agent.lerning_rate: {low: 1e-4, high: 1e-2}}", "did you mean 'agent.learning_rate'?"),
        ("{agent.gamma: {low: 0.99, high: 0.9}}", "space: agent.gamma: the range is the wrong way round; "),
        ("{agent.gamma: {low: 0.9, high: 0.9}}", "nothing lies between equal ends; give the key in settings"),
        ("{agent.gamma: {low: 0.9}}", "expected one of these: {choices: [...]}"),
        ("{agent.gamma: {choices: [0.9], low: 0.1, high: 1}}", "expected one of these"),
        ("{agent.gamma: {choices: []}}", "agent.gamma: choices = []: "),
        ("{agent.gamma: {choices: [0.9, 0.9]}}", "0.9 is given twice"),
        ("{agent.gamma: {lo: 0.9, high: 1}}", "lo is not a known key; did you mean 'low'?"),
        ("{agent.gamma: {low: a, high: 1}}", 'agent.gamma: low = "a": expected a valid'),
        ("{agent.ent_coef: {low: 0, high: 1, log: true}}", "low: 0 has no order of magnitude; give"),
        ("{agent.ent_coef: {low: 0.1, high: 1, log: true, step: 0.1}}", "leave step or log out"),
        ("{agent.n_epochs: {low: 1, high: 10, step: 4}}", "steps of 4 from low: 1 miss high: 10; give high"),
        ("{agent.n_epochs: {low: 1, high: 2, step: 4}}", "give a step up to 1"),
        ("{agent.n_epochs: {low: 1, high: 2, step: -1}}", "step: -1 leads nowhere"),
        ("{agent.n_epochs: {low: 0, high: 2}}", "space: agent.n_epochs = 0: expected"),
        ("{agent.net.trunk: {choices: [mlp, trasformer]}}", 'agent.net.trunk = "trasformer": expected'),
        ("{agent.net.trunk: {choices: [trasformer]}}", "did you mean 'transformer'?; give another value"),
        ("{env.id: {choices: [A, B]}}", "env.id cannot vary: returns of several worlds"),
        ("{evaluation.episodes: {choices: [1]}}", "cannot vary: all trials are measured alike"),
        ("{seed: {choices: [1]}}", "seed cannot vary: give seeds: [0, 1]"),
        ("{agent.net: {choices: [{}]}, agent.net.width: {choices: [8]}}", "agent.net holds agent.net.width"),
        ("{}", "space = {}: "),
    ],
)  # fmt: skip
def test_a_wrong_space_is_one_line_that_names_file_key_and_remedy(tmp_path, space, said):
    path = write_sweep(tmp_path, read(space))
    with pytest.raises(UserError) as caught:
        load_sweep(path)
    assert str(caught.value).startswith(f"{path}: space")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ({"sampler": "tbe"}, "sampler = \"tbe\": expected 'tpe' or 'random'; did you mean 'tpe'?"),
        ({"pruner": "halve"}, "did you mean 'halving'?"),
        ({"trials": 0}, "trials = 0: expected"),
        ({"seeds": [1, 1]}, "seeds name 1 twice"),
        ({"trails": 3}, "trails is not a known key; did you mean 'trials'?"),
        ({"name": "a/b"}, 'name = "a/b": expected text to match'),
    ],
)
def test_a_wrong_key_of_the_sweep_is_one_line(tmp_path, others, said):
    with pytest.raises(UserError) as caught:
        load_sweep(write_sweep(tmp_path, {"agent.gamma": {"choices": [0.9]}}, **others))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_base_config_without_evaluations_is_refused(tmp_path):
    base = MINIMAL | {"evaluation": {"every_steps": None}}
    path = write_sweep(tmp_path, {"agent.gamma": {"choices": [0.9]}}, base)
    with pytest.raises(UserError, match=r"every_steps is null.*evaluation.every_steps: 200"):
        load_sweep(path)


def test_settings_hold_for_all_trials(tmp_path):
    settings = {"total_timesteps": 500, "agent.gamma": 0.5}
    space = {"agent.n_epochs": {"low": 1, "high": 2}}
    sweep = load_sweep(write_sweep(tmp_path, space, settings=settings))
    config = sweep.run_config({"agent.n_epochs": 2})
    assert (config.total_timesteps, config.agent.gamma, config.agent.n_epochs) == (500, 0.5, 2)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"agent.gama": 0.9}, "settings: agent.gama is not a known key; did you mean 'agent.gamma'?"),
        ({"total_timesteps": "x"}, 'settings: total_timesteps = "x": expected'),
        ({"agent.n_epochs": 1}, "agent.n_epochs is in settings and in space; give it in one of them"),
    ],
)
def test_wrong_settings_are_one_line(tmp_path, settings, said):
    path = write_sweep(tmp_path, {"agent.n_epochs": {"low": 1, "high": 2}}, settings=settings)
    with pytest.raises(UserError) as caught:
        load_sweep(path)
    assert said in str(caught.value)


def test_only_more_trials_leave_a_sweep_the_same(tmp_path):
    space = {"agent.gamma": {"choices": [0.9]}}
    sweep = load_sweep(write_sweep(tmp_path, space))
    more = load_sweep(write_sweep(tmp_path, space, trials=9))
    assert differing_key(more, sweep.config, sweep.base) is None
    other = load_sweep(write_sweep(tmp_path, {"agent.gamma": {"choices": [0.8]}}))
    assert differing_key(other, sweep.config, sweep.base) == ("space.agent.gamma.choices", [0.9], [0.8])
    base = load_sweep(write_sweep(tmp_path, space, MINIMAL | {"total_timesteps": 5}))
    assert differing_key(base, sweep.config, sweep.base) == ("config.total_timesteps", 1000, 5)
