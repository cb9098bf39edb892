from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slowfast_live.errors import UsageError
from slowfast_live.inference.labels import MAX_CLASSES, own_labels

NAMES = st.text(st.characters(whitelist_categories=("L", "N")), min_size=1, max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(NAMES, min_size=1, max_size=20, unique=True), st.sampled_from(["\n", "\r\n", "\n\n", " \n"]))
def test_a_file_is_read_as_it_was_written(tmp_path: Path, names: list[str], end: str) -> None:
    file = tmp_path / "labels.txt"
    file.write_bytes("".join(name + end for name in names).encode("utf-8-sig"))
    assert own_labels(file, None) == own_labels(file, len(names)) == tuple(names)
    with pytest.raises(UsageError, match="classes were requested"):
        own_labels(file, len(names) + 1)


def test_a_number_alone_makes_names() -> None:
    assert own_labels(None, None) is None
    assert own_labels(None, 3) == ("class 0", "class 1", "class 2")


@pytest.mark.parametrize("classes", [0, -1, MAX_CLASSES + 1])
def test_numbers_out_of_range_are_refused(classes: int) -> None:
    with pytest.raises(UsageError, match="from 1 to 100,000"):
        own_labels(None, classes)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\n \n", "holds no names"),
        (b"squat\nwalk\nsquat\n", "holds names twice: 'squat'"),
        (b"\x80\x02}q\x00", "expected UTF-8 text"),
        (b'{"squat": 0, "walk": 2}', "the number 1 is missing"),
        (b'{"squat": 0, "walk": 0}', "the number 0 stands 2 times"),
        (b'{"squat": {"a": 1}}', "neither a list of names nor a mapping"),
        (b'{"squat": 0', "not valid JSON"),
        (b'["squat", ""]', "name 1 is empty"),
        (b"[" * 100_000 + b"]" * 100_000, "not valid JSON"),
        (b"squat\nw\x1b[31malk\n", "control characters"),
        ("\n".join(map(str, range(MAX_CLASSES + 1))).encode(), "has 100,000 classes at most"),
        (bytes(16_000_001), r"too large \(16 MB\)"),
        (b"0 squat\n2 walk\n3 run\n", "the number 1 is missing"),
        (b"0 squat\n1 walk\n1 run\n", "the number 1 stands 2 times"),
        (b'{"squat": 0, "squat": 1}', "'squat' stands twice"),
        (b"a" * 501 + b"\nsquat", "a name has 501 characters"),
    ],
)
def test_what_is_no_list_of_labels_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "labels.txt"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=said) as caught:
        own_labels(file, None)
    assert str(file) in caught.value.message


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    for file in (tmp_path / "gone.txt", tmp_path):
        with pytest.raises(UsageError, match="cannot be read"):
            own_labels(file, None)


THREE = ("bow", "nod, twice", "3d printing")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", "bow\nnod, twice\n3d printing\n"),
        ("a.txt", "bow\rnod, twice\r3d printing\r"),
        ("a.txt", "bow\u2028nod, twice\u20283d printing"),
        ("a.txt", "bow\x0bnod, twice\x0b3d printing\x0b"),
        ("a.txt", "bow; nod, twice; 3d printing"),
        ("a.txt", "bow\tnod, twice\t3d printing\n"),
        ("a.txt", "0 bow\n1 nod, twice\n2 3d printing\n"),
        ("a.txt", "2: nod, twice\n1: bow\n3: 3d printing\n"),
        ("a.txt", "bow 0\nnod, twice 1\n3d printing 2\n"),
        ("a.txt", '"bow"\n"nod, twice"\n"3d printing"\n'),
        ("a.csv", 'id,name\n0,bow\n2,3d printing\n1,"nod, twice"\n'),
        ("a.csv", 'name,id\nbow,1\n3d printing,3\n"nod, twice",2\n'),
        ("a.csv", 'bow,0\n"nod, twice",1\n3d printing,2\n'),
        ("a.csv", 'label\nbow\n"nod, twice"\n3d printing\n'),
        ("a.csv", 'bow\n"nod, twice"\n3d printing\n'),
        ("a.csv", "id;name;group\n0;bow;x\n1;nod, twice;x\n2;3d printing;y\n"),
        ("a.tsv", "Index\tLabel\n1\tbow\n2\tnod, twice\n3\t3d printing\n"),
        ("a.csv", '0,bow\n1,"nod, twice"\n2,3d printing\n'),
        ("a.csv", "0;bow\n1;nod, twice\n2;3d printing\n"),
        ("a.tsv", "0\tbow\n1\tnod, twice\n2\t3d printing\n"),
        ("a.csv", "ID;Class Name\n1;bow\n2;nod, twice\n3;3d printing\n"),
        ("a.csv", 'action_id,action_name\n0,bow\n1,"nod, twice"\n2,3d printing\n'),
        ("a.csv", 'Label Name,Label Id\nbow,0\n3d printing,2\n"nod, twice",1\n'),
        ("a.csv", 'key,what is done\n0,bow\n1,"nod, twice"\n2,3d printing\n'),
        ("a.csv", 'id,name\n0.0,bow\n2.0,3d printing\n1.0,"nod, twice"\n'),
        ("a.csv", "sep=;\r\nid;name\r\n0;bow\r\n1;nod, twice\r\n2;3d printing\r\n"),
        ("a.csv", 'labels\nbow\n"nod, twice"\n3d printing\n'),
        ("a.txt", "# what the network knows\nbow\nnod, twice\n3d printing\n"),
        ("a.txt", "- bow\n- nod, twice\n- 3d printing\n"),
        ("a.txt", "bow,\nnod, twice,\n3d printing\n"),
        ("a.txt", "[0] bow\n[1] nod, twice\n[2] 3d printing\n"),
        ("a.txt", "0|bow\n1|nod, twice\n2|3d printing\n"),
        ("a.txt", "bow -> 0\nnod, twice -> 1\n3d printing -> 2\n"),
        ("a.json", '{"class_to_idx": {"bow": 0, "nod, twice": 1, "3d printing": 2}, "epoch": 7}'),
        ("a.json", '[["bow", 0], ["3d printing", 2], ["nod, twice", 1]]'),
        ("a.json", '{"bow": 0.0, "3d printing": 2.0, "nod, twice": 1.0}'),
        ("a.json", '["bow", "nod, twice", "3d printing"]'),
        ("a.json", '{"bow": 0, "3d printing": 2, "nod, twice": 1}'),
        ("a.json", '{"\\"bow\\"": 0, "3d printing": 2, "\\"nod, twice\\"": 1}'),
        ("a.json", '{"0": "bow", "2": "3d printing", "1": "nod, twice"}'),
        ("a.json", '{"id2label": {"0": "bow", "2": "3d printing", "1": "nod, twice"}, "hidden": 3}'),
        ("a.json", '{"labels": ["bow", "nod, twice", "3d printing"]}'),
        ("a.json", '[{"id": 2, "name": "3d printing"}, {"id": 0, "name": "bow"}, {"id": 1, "name": "nod, twice"}]'),
        (
            "a.pbtxt",
            'item {\n name: "nod, twice"\n id: 2\n}\nitem { id: 1 name: "bow" } item { name: "3d printing" id: 3 }',
        ),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_forms_that_people_have_are_read(tmp_path: Path, name: str, content: str, encoding: str) -> None:
    file = tmp_path / name
    file.write_bytes(content.encode(encoding))
    assert own_labels(file, 3) == THREE


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_or_a_device_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for file in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(UsageError, match="cannot be read: It is a device or pipe"):
            own_labels(file, None)


def test_forms_that_are_not_read_are_named(tmp_path: Path) -> None:
    file = tmp_path / "data.yaml"
    file.write_text("names:\n  0: bow\n  1: nod\n")
    with pytest.raises(UsageError, match=r"\.yaml files are not read here\. Expected one name a line"):
        own_labels(file, None)


def test_a_table_without_names_says_which_form_is_wanted(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("video,split\na.mp4,train\nb.mp4,test\n")
    with pytest.raises(UsageError, match=r"no column of it is known.*one name a line, a JSON list"):
        own_labels(file, None)


def test_numbers_that_belong_to_the_names_stay(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("100 m sprint\n200 m sprint\nrelay 4\n")
    assert own_labels(file, None) == ("100 m sprint", "200 m sprint", "relay 4")
