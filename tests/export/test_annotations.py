"""Annotations, read as the programs that they are for read them."""

import csv
import io
import json
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import pytest
from hypothesis import given

from slowfast_live.core.events import Event
from slowfast_live.errors import ExportError
from slowfast_live.export.annotations import (
    AnnotatedVideo,
    Annotation,
    PersonKeyframe,
    ava_csv,
    eaf,
    kinetics_csv,
    via_json,
)
from slowfast_live.export.formats import save
from slowfast_live.export.subtitles import one_line
from tests.export.made import event_lists, make_event, make_findings

VIDEO = AnnotatedVideo(
    "Mein Video ü.mp4",
    "/videos/Mein Video ü.mp4",
    (
        Annotation("waving", 4.0, 6.25),
        Annotation("squat", 1.0, 2.5),
        Annotation("squat", 2.0, 3.0),
        Annotation("jumping & running", 3.0, 4.0, person=2),
    ),
    1_700_000_000_000_000_000,
)

# Children in their order, and required attributes, as of "EAF Annotation Format 3.0 and ELAN" (MPI, 2017).
EAF_CHILDREN = {
    "ANNOTATION_DOCUMENT": ("LICENSE", "HEADER", "TIME_ORDER", "TIER", "LINGUISTIC_TYPE", "LOCALE", "LANGUAGE",
                            "CONSTRAINT", "CONTROLLED_VOCABULARY", "LEXICON_REF", "EXTERNAL_REF"),
    "HEADER": ("MEDIA_DESCRIPTOR", "LINKED_FILE_DESCRIPTOR", "PROPERTY"),
    "TIME_ORDER": ("TIME_SLOT",),
    "TIER": ("ANNOTATION",),
    "ANNOTATION": ("ALIGNABLE_ANNOTATION",),
    "ALIGNABLE_ANNOTATION": ("ANNOTATION_VALUE",),
}  # fmt: skip
EAF_REQUIRED = {
    "ANNOTATION_DOCUMENT": {"DATE", "AUTHOR", "VERSION"},
    "MEDIA_DESCRIPTOR": {"MEDIA_URL", "MIME_TYPE"},
    "TIME_SLOT": {"TIME_SLOT_ID"},
    "TIER": {"TIER_ID", "LINGUISTIC_TYPE_REF"},
    "ALIGNABLE_ANNOTATION": {"ANNOTATION_ID", "TIME_SLOT_REF1", "TIME_SLOT_REF2"},
    "LINGUISTIC_TYPE": {"LINGUISTIC_TYPE_ID"},
}


def checked_eaf(data: bytes) -> ElementTree.Element:
    """Parse a document and hold it against the rules of the format: order, attributes, references, unique numbers."""
    root = ElementTree.fromstring(data)
    assert root.tag == "ANNOTATION_DOCUMENT" and root.get("FORMAT") == "3.0"
    for element in root.iter():
        allowed = EAF_CHILDREN.get(element.tag, ())
        places = [allowed.index(child.tag) for child in element]
        assert places == sorted(places), f"{element.tag}: wrong order"
        assert EAF_REQUIRED.get(element.tag, set()) <= set(element.attrib), element.tag
    assert len(root.findall("HEADER")) == len(root.findall("TIME_ORDER")) == 1
    slots = {slot.get("TIME_SLOT_ID"): int(slot.get("TIME_VALUE", "")) for slot in root.iter("TIME_SLOT")}
    assert list(slots.values()) == sorted(set(slots.values()))
    numbers = [one.get("ANNOTATION_ID") for one in root.iter("ALIGNABLE_ANNOTATION")]
    tiers = [tier.get("TIER_ID") for tier in root.iter("TIER")]
    assert len(set(numbers)) == len(numbers) and len(set(tiers)) == len(tiers)
    types = {kind.get("LINGUISTIC_TYPE_ID") for kind in root.iter("LINGUISTIC_TYPE")}
    for tier in root.iter("TIER"):
        assert tier.get("LINGUISTIC_TYPE_REF") in types
        end = 0
        for one in tier.iter("ALIGNABLE_ANNOTATION"):
            begin, end_of_this = slots[one.get("TIME_SLOT_REF1")], slots[one.get("TIME_SLOT_REF2")]
            assert end <= begin < end_of_this, "annotations of one tier overlap"
            end = end_of_this
    return root


def test_elan_reads_what_happens(tmp_path: Path) -> None:
    pympi = pytest.importorskip("pympi")
    path = tmp_path / "x.eaf"
    path.write_bytes(eaf(VIDEO))
    checked_eaf(path.read_bytes())
    read = pympi.Eaf(str(path), suppress_version_warning=True)
    assert set(read.get_tier_names()) == {"action", "action (2)", "action of person 2"}
    assert sorted(read.get_annotation_data_for_tier("action")) == [(1000, 2500, "squat"), (4000, 6250, "waving")]
    assert read.get_annotation_data_for_tier("action (2)") == [(2000, 3000, "squat")]
    assert read.get_annotation_data_for_tier("action of person 2") == [(3000, 4000, "jumping & running")]
    media = read.get_linked_files()[0]
    assert unquote(urlsplit(media["MEDIA_URL"]).path).endswith("/videos/Mein Video ü.mp4")
    assert media["MIME_TYPE"] == "video/mp4"


@given(event_lists)
def test_elan_documents_hold_whatever_the_labels_are(events: tuple[Event, ...]) -> None:
    video = AnnotatedVideo.of(make_findings(events, name="a\x00b\udcff.mp4"))
    root = checked_eaf(eaf(video))
    values = sorted(one.text or "" for one in root.iter("ANNOTATION_VALUE"))
    bare = sorted("".join(c for c in one_line(event.label) if c not in "\ufffe\uffff") for event in events)
    assert values == bare


@given(event_lists)
def test_via_projects_hold_whatever_the_labels_are(events: tuple[Event, ...]) -> None:
    video = AnnotatedVideo.of(make_findings(events, name="a\x00b.mp4"))
    project = json.loads(via_json(video))
    assert project["view"] == {"1": {"fid_list": ["1"]}} and project["project"]["vid_list"] == ["1"]
    assert project["file"]["1"]["type"] == 4
    options = project["attribute"]["1"]["options"]
    assert project["attribute"]["1"]["anchor_id"] == "FILE1_Z2_XY0" and project["attribute"]["1"]["type"] == 4
    assert len(project["metadata"]) == len(events)
    for one in project["metadata"].values():
        assert (one["vid"], one["flg"], one["xy"]) == ("1", 0, []) and one["av"]["1"] in options
        assert len(one["z"]) == 2
    told = sorted((options[one["av"]["1"]], *one["z"]) for one in project["metadata"].values())
    assert told == sorted((one_line(e.label), round(e.begin_s, 3), round(e.end_s, 3)) for e in events)


def test_via_knows_the_file_and_the_people() -> None:
    project = json.loads(via_json(VIDEO))
    assert project["file"]["1"] == {
        "fid": "1", "fname": "Mein Video ü.mp4", "type": 4, "loc": 3, "src": "/videos/Mein Video ü.mp4",
    }  # fmt: skip
    assert project["attribute"]["2"]["aname"] == "Person"
    assert [one["av"].get("2") for one in project["metadata"].values()] == [None, None, "2", None]
    live = json.loads(via_json(AnnotatedVideo("Camera 0")))
    assert (live["file"]["1"]["loc"], live["file"]["1"]["src"], live["metadata"]) == (1, "", {})


def test_the_table_of_kinetics() -> None:
    rows = list(csv.DictReader(io.StringIO(kinetics_csv([VIDEO, AnnotatedVideo("b.avi")], "train"))))
    assert [tuple(row.values()) for row in rows] == [
        ("squat", "Mein Video ü", "1.000", "2.500", "train"),
        ("squat", "Mein Video ü", "2.000", "3.000", "train"),
        ("jumping & running", "Mein Video ü", "3.000", "4.000", "train"),
        ("waving", "Mein Video ü", "4.000", "6.250", "train"),
    ]


def test_the_table_of_ava() -> None:
    made = [PersonKeyframe(903.2, (0.5, 0, 1, 0.75), 80, 1), PersonKeyframe(902, (0.077, 0.151, 0.283, 0.811), 12, 0)]
    assert ava_csv("-5KQ66BBWC4", made) == (
        "-5KQ66BBWC4,0902,0.077,0.151,0.283,0.811,12,0\n-5KQ66BBWC4,0903,0.500,0.000,1.000,0.750,80,1\n"
    )
    for box, action in (((0.5, 0, 0.4, 1), 1), ((0, 0, 1.2, 1), 1), ((0, 0, 1, 1), 0)):
        with pytest.raises(ExportError, match="AVA cannot hold"):
            ava_csv("x", [PersonKeyframe(1, box, action, 0)])


@pytest.mark.parametrize("name", ["a.eaf", "a.VIA.json", "a.kinetics.csv"])
def test_the_same_events_give_the_same_bytes(name: str, tmp_path: Path) -> None:
    found = make_findings((make_event("running"), make_event("squat", 3.0, 4.0)))
    save(found, tmp_path / name)
    first = (tmp_path / name).read_bytes()
    save(found, tmp_path / name)
    assert (tmp_path / name).read_bytes() == first and b"squat" in first
