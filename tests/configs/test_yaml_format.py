"""YAML as people mean it, checked against what the text says, scalar by scalar."""

import pytest

from quadrivium.agents.errors import UserError
from quadrivium.configs.yaml_format import dump_yaml, parse_yaml, read_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3e-4", 0.0003),  # PyYAML itself reads this as text
        ("1e6", 1_000_000),
        ("1.5e3", 1500.0),
        ("50_000", 50_000),
        ("-2", -2),
        (".5", 0.5),
        ("1.", 1.0),
        ("true", True),
        ("null", None),
        ("", None),
        ("no", "no"),  # YAML 1.1 reads this as false
        ("010", "010"),  # and this as 8
        ("1:30", "1:30"),  # and this as 90
        ("2024-01-01", "2024-01-01"),  # and this as a date
        ("'3e-4'", "3e-4"),
        ("[1, 2.0, x]", [1, 2.0, "x"]),
    ],
)
def test_a_scalar_is_what_it_looks_like(text, value):
    read = parse_yaml(f"key: {text}", "test")["key"]
    assert read == value
    assert type(read) is type(value)


def test_what_is_dumped_reads_back_the_same():
    data = {
        "a": 3e-4,
        "b": 1e-12,
        "c": "3e-4",
        "d": "null",
        "e": None,
        "f": {},
        "g": [1, 2.5],
        "h": True,
        "i": 2**40,
    }
    assert parse_yaml(dump_yaml(data), "test") == data
    assert list(parse_yaml(dump_yaml(data), "test")) == list(data)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: 1\na: 2", "line 2, column 1: key 'a' appears twice"),
        ("a: [1", "line 1"),
        ("a: .nan", "a = nan: expected a finite number"),
        ("a: [1.0, .inf]", "expected a finite number"),
        ("1: 2", "key 1 is not text"),
        ("a: &x [*x]", "aliases"),
        ("a: !!python/object/apply:os.system [ls]", "could not determine a constructor"),
    ],
)
def test_bad_yaml_is_one_line_that_says_where(text, complaint):
    with pytest.raises(UserError) as caught:
        parse_yaml(text, "file.yaml")
    assert complaint in str(caught.value)
    assert str(caught.value).startswith("file.yaml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("content", "complaint"), [(b"- 1", "holds list"), (b"\xff\xfe", "no UTF-8 text")])
def test_a_file_that_is_no_mapping_is_refused(tmp_path, content, complaint):
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    with pytest.raises(UserError, match=complaint):
        read_yaml(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.yaml: No such file or directory; give the path"):
        read_yaml(tmp_path / "nowhere.yaml")
