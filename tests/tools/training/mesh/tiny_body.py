"""MakeHuman's files in miniature: a body of boxes, one around each bone, with the same names and formats."""

import json
from pathlib import Path

import numpy as np

HALF_DM = 0.45

_SIDE = {
    "Shoulder": ("Spine1", (0.2, 14.2, 0)),
    "Arm": ("{S}Shoulder", (1.7, 14.0, 0)),
    "ForeArm": ("{S}Arm", (4.4, 14.0, 0)),
    "Hand": ("{S}ForeArm", (6.9, 14.0, 0)),
    "FingerBase": ("{S}Hand", (7.7, 14.0, 0)),
    "HandFinger1": ("{S}FingerBase", (8.0, 14.0, 0)),
    "UpLeg": ("{s}HipJoint", (0.95, 9.2, 0)),
    "Leg": ("{S}UpLeg", (0.95, 4.9, 0)),
    "Foot": ("{S}Leg", (0.95, 0.7, 0)),
    "ToeBase": ("{S}Foot", (0.95, 0.2, 1.3)),
}
_MIDDLE = {
    "Hips": ("", (0, 9.4, 0)),
    "LowerBack": ("Hips", (0, 10.2, 0)),
    "Spine": ("LowerBack", (0, 11.5, 0)),
    "Spine1": ("Spine", (0, 12.8, 0)),
    "Neck": ("Spine1", (0, 14.6, 0)),
    "Neck1": ("Neck", (0, 15.0, 0)),
    "Head": ("Neck1", (0, 15.5, 0)),
}
_ENDS = {
    "Head": (0, 17.3, 0),
    "LeftHandFinger1": (8.8, 14.0, 0),
    "RightHandFinger1": (-8.8, 14.0, 0),
    "LeftToeBase": (0.95, 0.2, 2.0),
    "RightToeBase": (-0.95, 0.2, 2.0),
    "LThumb": (7.6, 14.0, 0.6),
    "RThumb": (-7.6, 14.0, 0.6),
}

_FACE = {
    "helper-l-eye": np.array((0.2, 16.8, 0.4)),
    "helper-r-eye": np.array((-0.2, 16.8, 0.4)),
    "helper-upper-teeth": np.array((0, 16.1, 0.4)),
    "helper-lower-teeth": np.array((0, 16.0, 0.4)),
}


def bones() -> dict[str, tuple[str, np.ndarray]]:
    """Bone -> parent and where it begins, in decimetres; children may come before their parents, as in MakeHuman's."""
    out: dict[str, tuple[str, np.ndarray]] = {}
    for side, short, sign in (("Left", "L", 1), ("Right", "R", -1)):
        for name, (parent, place) in _SIDE.items():
            out[side + name] = (parent.format(S=side, s=short), np.array(place) * (sign, 1, 1))
        out[f"{short}Thumb"] = (f"{side}Hand", np.array((7.1, 14.0, 0.2)) * (sign, 1, 1))
        out[f"{short}HipJoint"] = ("Hips", np.array((0, 9.4, 0)))
    return out | {name: (parent, np.array(place, float)) for name, (parent, place) in _MIDDLE.items()}


def _box(a: np.ndarray, b: np.ndarray, half: float) -> np.ndarray:
    """Eight corners around a line."""
    low, high = np.minimum(a, b) - half, np.maximum(a, b) + half
    return np.array(
        [[(low, high)[i][0], (low, high)[j][1], (low, high)[k][2]] for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    )


_QUADS = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))


def write_body(folder: Path) -> Path:
    """Write the base mesh, the rig and its weights; returns the folder."""
    rig, lines, weights = {}, [], {}
    count = 0

    def add(group: str, corners: np.ndarray) -> list[int]:
        nonlocal count
        lines.append(f"g {group}")
        lines.extend("v " + " ".join(f"{x:.4f}" for x in corner) for corner in corners)
        lines.extend("f " + " ".join(f"{count + i + 1}/1" for i in quad) for quad in _QUADS)
        count += len(corners)
        return list(range(count - len(corners), count))

    known = bones()
    for name, (parent, head) in known.items():
        children = [place for mother, place in known.values() if mother == name and not np.allclose(place, head)]
        tail = np.array(_ENDS[name], float) if name in _ENDS else np.mean(children, 0)
        if name in ("Hips", "Spine1"):
            tail = known["LowerBack" if name == "Hips" else "Neck"][1]
        numbers = add("body", _box(head, tail, HALF_DM))
        weights[name] = [[i, 1.0] for i in numbers]
        add(f"joint-{name}-head", _box(head, head, 0.05))
        tail_numbers = add(f"joint-{name}-tail", _box(tail, tail, 0.05))
        ways = (
            {"strategy": "CUBE", "cube_name": f"joint-{name}-head"},
            {"strategy": "MEAN", "vertex_indices": tail_numbers},
        )
        rig[name] = {"parent": parent, "head": ways[0], "tail": ways[1]}
    for group, place in _FACE.items():
        weights["Head"] += [[i, 1.0] for i in add(group, _box(place, place, 0.1))]
    for part in ("3dobjs", "rigs/standard", "targets"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / "3dobjs/base.obj").write_text("\n".join(lines) + "\n")
    (folder / "rigs/standard/rig.cmu_mb.json").write_text(json.dumps({"bones": rig}))
    (folder / "rigs/standard/weights.cmu_mb.json").write_text(json.dumps({"weights": weights}))
    return folder


def write_garment(folder: Path, hides: str = "0 - 3 5", offset: float = 0.5) -> Path:
    """Write a triangle that hangs on the body's first three vertices, `offset` further out along x."""
    folder.mkdir(parents=True)
    rows = [f"{i} {(i + 1) % 3} {(i + 2) % 3} 1.0 0.0 0.0 {offset} 0.0 0.0" for i in range(3)]
    head = ["# clothes", "name x", f"obj_file {folder.name}.obj", "x_scale 0 4 0.5", "verts 0", "material x.mhmat"]
    text = [*head, *rows, "delete_verts", hides]
    (folder / f"{folder.name}.mhclo").write_text("\n".join(text) + "\n")
    (folder / f"{folder.name}.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    return folder
