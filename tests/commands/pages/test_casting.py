import pytest

from quadrivium.agents.errors import UserError
from quadrivium.commands.pages.casting import SEED, make_stages, read_cast
from tests.commands.running import CONFIG, run_train


def cast(*words, seed=None, **kwargs):
    return read_cast(words, lambda env_id: kwargs, seed, lambda line: None)


@pytest.mark.parametrize(
    ("word", "env_id"),
    [
        ("point_nav", "quadrivium/PointNav-v0"),
        ("TwoWay", "quadrivium/TwoWay-v0"),
        ("connect-four", "quadrivium/ConnectFour-v0"),
        ("quadrivium/Highway-v0", "quadrivium/Highway-v0"),
        ("quadrivium:quadrivium/Highway-v0", "quadrivium/Highway-v0"),
        ("CartPole-v1", "CartPole-v1"),
    ],
)
def test_a_world_may_be_named_in_several_ways_and_ours_play_held_out_scenarios(word, env_id):
    found = cast(word)
    assert (found.env_id, found.seed, found.players) == (env_id, SEED, ())
    assert found.kwargs == ({} if env_id == "CartPole-v1" else {"split": "test"})


def test_words_may_come_in_any_order_and_arguments_and_seed_are_as_given():
    found = cast("idm", "highway", "random", seed=5, vehicles=3)
    assert found.players == ("idm", "random")
    assert (found.seed, found.kwargs) == (5, {"split": "test", "vehicles": 3})


def test_no_word_is_highway_with_the_best_that_there_is():
    assert cast().env_id == "quadrivium/Highway-v0"


def test_where_nobody_is_named_a_model_of_the_world_plays_or_its_last_script():
    (stage,) = make_stages(cast("CartPole-v1"), lambda line: None)
    assert stage.name.startswith("cartpole")
    (stage,) = make_stages(cast("sign_chain", persistence=0.6), lambda line: None)  # no model is of that one
    assert stage.name == "optimal"


def test_a_config_says_the_world_its_arguments_and_the_seed(tmp_path):
    path = tmp_path / "some.yaml"
    path.write_text(CONFIG)
    found = cast(str(path), "idle")
    assert found.env_id == "quadrivium/Highway-v0"
    assert found.kwargs == {"vehicles": 6, "duration": 10, "split": "test"}
    assert found.seed == 1_000_000


def test_a_run_says_its_world_and_plays_beside_a_script(tmp_path, monkeypatch):
    (tmp_path / "small.yaml").write_text(
        CONFIG.replace("1024", "512").replace("final_episodes: 16", "final_episodes: 8")
    )
    assert run_train(tmp_path, "small.yaml") == 0
    monkeypatch.chdir(tmp_path)
    found = cast("run:runs/small", "idm")
    assert found.kwargs == {"vehicles": 6, "duration": 10, "split": "test"}
    stages = make_stages(found, lambda line: None)
    assert [stage.name for stage in stages] == ["small", "idm"]
    for stage in stages:
        stage.reset(found.seed)
        stage.step()
        assert stage.picture()[:3] == b"\xff\xd8\xff"  # a JPEG
    with pytest.raises(UserError, match="was trained on observations"):
        make_stages(cast("intersection", "run:runs/small"), lambda line: None)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["hihgway"], "'hihgway' is no world, and of players only .*; did you mean 'highway'"),
        (["idm"], "'idm' is no world"),
        (["highway", "merge"], "highway and merge are 2 worlds; watch one at a time"),
        (["highway", "idle", "idm", "brake"], "idle idm brake: 3 players; watch one, or two"),
        (["run:runs/none"], "runs/none is no run directory"),
        (["model:none"], "there is no model 'none'"),
        (["nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_what_is_no_cast_is_one_line(words, said):
    with pytest.raises(UserError, match=said) as raised:
        cast(*words)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["tic_tac_toe", "tacticl"], "baseline 'tacticl' is unknown; did you mean 'tactical'"),
        (["tic_tac_toe", "tactical", "baseline:tactical"], "both are tactical; name two different players"),
        (["Nowhere-v0/x"], "environment 'Nowhere-v0/x' is unknown"),
        (["sign_chain", "mcst:10"], "'mcst:10'"),
    ],
)
def test_who_does_not_fit_is_one_line(words, said):
    with pytest.raises(UserError, match=said):
        make_stages(cast(*words), lambda line: None)
