"""Events in the forms that people annotate and train with: ELAN, VIA, and tables as of Kinetics and AVA.

All are made from `Annotation`, which knows no model: what a program found, and what a person marked, look the same.
The formats are those of https://www.mpi.nl/tools/elan/EAF_Annotation_Format_3.0_and_ELAN.pdf, of the README of VIA 3
(https://gitlab.com/vgg/via), of the lists of Kinetics (label, youtube_id, time_start, time_end, split) and of AVA v2.2
(https://research.google.com/ava/download.html). All bytes depend on the annotations alone, never on the time of day.
"""

from __future__ import annotations

import csv
import io
import json
import math
import mimetypes
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

from slowfast_live.errors import ExportError
from slowfast_live.export.findings import AnalysisResult
from slowfast_live.export.subtitles import one_line
from slowfast_live.messages import Message

KINETICS_COLUMNS = ("label", "youtube_id", "time_start", "time_end", "split")
_AUTHOR = "SlowFast Live"
_EAF = "3.0"
_EAF_SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_TIER, _TYPE = "action", "action"
_VIA_VIDEO, _VIA_URI_FILE, _VIA_LOCAL, _VIA_SELECT = 4, 3, 1, 4
_LATEST_S = 253_402_300_799
"""The end of the year 9999."""
_PRIVATE = {"\ufffe", "\uffff"}
"""Code points that XML 1.0 does not admit, beside control characters and surrogates, which `one_line` removes."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """One action in a video.

    Attributes:
        label: The action.
        begin_s: Its beginning, in seconds from the beginning of the video.
        end_s: Its end.
        person: Number of the person who does it; None if it is that of the whole picture.
    """

    label: str
    begin_s: float
    end_s: float
    person: int | None = None


@dataclass(frozen=True, slots=True)
class PersonKeyframe:
    """What one person does at one moment, as AVA lists it.

    Attributes:
        t_s: The moment, in seconds; AVA knows whole seconds.
        box: Left, top, right and bottom of the person as shares of the picture, 0..1.
        action: Number of the action in AVA's list, from 1; the label itself if it is not in that list.
        person: Number of the person within the video.
        score: Score of the action, 0..1; None in annotations, which have the person's number in its place.
    """

    t_s: float
    box: tuple[float, float, float, float]
    action: int | str
    person: int
    score: float | None = None


@dataclass(frozen=True, slots=True)
class AnnotatedVideo:
    """A video with its annotations.

    Attributes:
        name: The file's name.
        path: Its absolute path; "" if it is not a file.
        annotations: What happens in it.
        modified_ns: When the file was changed last, in ns since 1970; it dates the annotations.
    """

    name: str
    path: str = ""
    annotations: tuple[Annotation, ...] = ()
    modified_ns: int = 0

    @staticmethod
    def of(findings: AnalysisResult, *, people: bool = True) -> AnnotatedVideo:
        """Return the events of an analysis or a session, with or without those of people."""
        source = findings.source
        annotations = [Annotation(event.label, event.begin_s, event.end_s) for event in findings.events]
        annotations += [
            Annotation(event.label, event.begin_s, event.end_s, person.id)
            for person in (findings.persons if people else ())
            for event in person.events
        ]
        return AnnotatedVideo(source.name, source.path or "", tuple(annotations), source.modified_ns or 0)

    @property
    def stem(self) -> str:
        """The name without its suffix."""
        return Path(self.name).stem or self.name


def kinetics_csv(videos: Iterable[AnnotatedVideo], split: str = "") -> str:
    """Return the table of Kinetics, with the file's name without suffix in place of YouTube's number.

    Args:
        videos: The videos.
        split: "train", "validate" or "test"; "" if that is not decided.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(KINETICS_COLUMNS)
    for video in videos:
        for one in _sorted(video.annotations):
            row = (one_line(one.label), one_line(video.stem), f"{one.begin_s:.3f}", f"{one.end_s:.3f}", split)
            writer.writerow(row)
    return out.getvalue()


def ava_csv(video_id: str, keyframes: Iterable[PersonKeyframe]) -> str:
    """Return the table of AVA: one line per person, moment and action, without a heading.

    Raises:
        ExportError: A box does not lie within the picture, or an action is neither numbered from 1 nor named.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for one in sorted(keyframes, key=lambda one: (one.t_s, one.person, -(one.score or 0), str(one.action))):
        left, top, right, bottom = one.box
        named = bool(one.action) if isinstance(one.action, str) else one.action >= 1
        if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1) or not named or one.person < 0:
            raise ExportError(
                Message("AVA cannot hold {one}: expected a box within the picture, and actions from 1.", one=one)
            )
        box = (f"{side:.3f}" for side in one.box)
        action = one_line(one.action) if isinstance(one.action, str) else one.action
        last = one.person if one.score is None else f"{one.score:.4f}"
        writer.writerow((one_line(video_id), f"{round(one.t_s):04d}", *box, action, last))
    return out.getvalue()


def eaf(video: AnnotatedVideo) -> bytes:
    """Return a document of ELAN (EAF 3.0), with a tier for actions and one for each person.

    Annotations of one tier never overlap in ELAN: what overlaps goes to a further tier.
    """
    root = ElementTree.Element("ANNOTATION_DOCUMENT")
    root.set("AUTHOR", _AUTHOR)
    seconds = min(max(0, video.modified_ns // 1_000_000_000), _LATEST_S)
    root.set("DATE", datetime.fromtimestamp(seconds, UTC).isoformat())
    root.set("FORMAT", _EAF)
    root.set("VERSION", _EAF)
    root.set("xmlns:xsi", _XSI)
    root.set("xsi:noNamespaceSchemaLocation", _EAF_SCHEMA)
    tiers = _tiers(video.annotations)
    header = ElementTree.SubElement(root, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
    if video.path:
        ElementTree.SubElement(
            header,
            "MEDIA_DESCRIPTOR",
            MEDIA_URL=Path(video.path).absolute().as_uri(),
            MIME_TYPE=mimetypes.guess_type(video.name)[0] or "unknown",
            RELATIVE_MEDIA_URL=f"./{_xml(video.name)}",
        )
    count = sum(len(tier) for _name, tier in tiers)
    last = ElementTree.SubElement(header, "PROPERTY", NAME="lastUsedAnnotationId")
    last.text = str(count)
    order = ElementTree.SubElement(root, "TIME_ORDER")
    slots = _time_slots(video.annotations)
    for t_ms, slot in slots.items():
        ElementTree.SubElement(order, "TIME_SLOT", TIME_SLOT_ID=slot, TIME_VALUE=str(t_ms))
    number = 0
    for name, tier_annotations in tiers:
        tier = ElementTree.SubElement(root, "TIER", LINGUISTIC_TYPE_REF=_TYPE, TIER_ID=name)
        for one in tier_annotations:
            number += 1
            begin, end = _milliseconds(one)
            holder = ElementTree.SubElement(tier, "ANNOTATION")
            aligned = ElementTree.SubElement(
                holder,
                "ALIGNABLE_ANNOTATION",
                ANNOTATION_ID=f"a{number}",
                TIME_SLOT_REF1=slots[begin],
                TIME_SLOT_REF2=slots[end],
            )
            ElementTree.SubElement(aligned, "ANNOTATION_VALUE").text = _xml(one.label)
    ElementTree.SubElement(
        root, "LINGUISTIC_TYPE", GRAPHIC_REFERENCES="false", LINGUISTIC_TYPE_ID=_TYPE, TIME_ALIGNABLE="true"
    )
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)) + b"\n"


def via_json(video: AnnotatedVideo) -> bytes:
    """Return a project of the VGG Image Annotator (VIA 3), with the actions as segments of time."""
    labels = list(dict.fromkeys(one_line(one.label) for one in _sorted(video.annotations)))
    options = {str(number): label for number, label in enumerate(labels, 1)}
    number_of = {label: number for number, label in options.items()}
    metadata = {
        f"1_{number:08d}": {
            "vid": "1",
            "flg": 0,
            "z": [round(one.begin_s, 3), round(one.end_s, 3)],
            "xy": [],
            "av": {
                "1": number_of[one_line(one.label)],
                **({"2": str(one.person)} if one.person is not None else {}),
            },
        }
        for number, one in enumerate(_sorted(video.annotations), 1)
    }
    attributes = {"1": _via_attribute("Action", _VIA_SELECT, options)}
    if any(one.person is not None for one in video.annotations):
        attributes["2"] = _via_attribute("Person", 1, {})
    file = {"fid": "1", "fname": video.name, "type": _VIA_VIDEO, "loc": _VIA_LOCAL, "src": ""}
    if video.path:
        file |= {"loc": _VIA_URI_FILE, "src": video.path}
    project = {
        "project": {
            "pid": "__VIA_PROJECT_ID__",
            "rev": "__VIA_PROJECT_REV_ID__",
            "rev_timestamp": "__VIA_PROJECT_REV_TIMESTAMP__",
            "pname": video.stem,
            "creator": _AUTHOR,
            "created": video.modified_ns // 1_000_000,
            "vid_list": ["1"],
        },
        "config": {
            "file": {"loc_prefix": {"1": "", "2": "", "3": "", "4": ""}},
            "ui": {
                "file_content_align": "center",
                "file_metadata_editor_visible": True,
                "spatial_metadata_editor_visible": False,
                "temporal_segment_metadata_editor_visible": True,
                "spatial_region_label_attribute_id": "",
                "gtimeline_visible_row_count": "4",
            },
        },
        "attribute": attributes,
        "file": {"1": file},
        "metadata": metadata,
        "view": {"1": {"fid_list": ["1"]}},
    }
    return json.dumps(project, indent=1, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def _via_attribute(name: str, kind: int, options: dict[str, str]) -> dict[str, object]:
    return {
        "aname": name,
        "anchor_id": "FILE1_Z2_XY0",  # a segment of the time of one file
        "type": kind,
        "desc": name,
        "options": options,
        "default_option_id": "",
    }


def _sorted(annotations: Sequence[Annotation]) -> list[Annotation]:
    return sorted(annotations, key=lambda one: (one.begin_s, one.end_s, one.label))


def _milliseconds(one: Annotation) -> tuple[int, int]:
    """Return begin and end in whole milliseconds, at least one apart, from 0."""
    begin = max(0, math.floor(one.begin_s * 1000 + 0.5))
    return begin, max(begin + 1, math.floor(one.end_s * 1000 + 0.5))


def _time_slots(annotations: Sequence[Annotation]) -> dict[int, str]:
    times = sorted({t_ms for one in annotations for t_ms in _milliseconds(one)})
    return {t_ms: f"ts{number}" for number, t_ms in enumerate(times, 1)}


def _tiers(annotations: Sequence[Annotation]) -> list[tuple[str, list[Annotation]]]:
    """Return the tiers by name: one for the whole picture, one for each person, and further ones for overlaps."""
    people = sorted({one.person for one in annotations if one.person is not None})
    tiers: list[tuple[str, list[Annotation]]] = []
    for person in (None, *people):
        name = _TIER if person is None else f"{_TIER} of person {person}"
        rows: list[list[Annotation]] = [[]]
        for one in (one for one in _sorted(annotations) if one.person == person):
            begin = _milliseconds(one)[0]
            row = next((row for row in rows if not row or _milliseconds(row[-1])[1] <= begin), None)
            if row is None:
                rows.append(row := [])
            row.append(one)
        tiers += [(name if number == 1 else f"{name} ({number})", row) for number, row in enumerate(rows, 1)]
    return tiers


def _xml(text: str) -> str:
    return "".join(character for character in one_line(text) if character not in _PRIVATE)
