"""Somebody in a sequence of poses, drawn frame by frame: made of rounded cones, or with a human surface."""

from __future__ import annotations

from functools import cached_property

from slowfast_live.tools.training.figure import F32, F64, Person, Pose, joints, materials, solids
from slowfast_live.tools.training.mesh.body import MeshPerson, matrices
from slowfast_live.tools.training.render import Camera, Light, draw


class Performance:
    """A person in T poses.

    Attributes:
        at: Joint -> (T, 3), where it is.
    """

    def __init__(self, who: Person, pose: Pose) -> None:
        posed = joints(who, pose)
        self.at: dict[str, F64] = posed.at
        self._who, self._pose = who, pose
        self._turned = matrices(who, posed) if isinstance(who, MeshPerson) else None

    def __len__(self) -> int:
        return len(self._pose)

    @cached_property
    def solids(self) -> F32:
        """Rounded cones in each pose, float32 (T, P, SOLID_FIELDS); who has a surface casts their shadow, too."""
        return solids(self._who, self._pose)

    def draw(self, frame: int, camera: Camera, light: Light, color: F32, depth: F32) -> None:
        """Draw one pose over a picture where the person is nearer than what it shows.

        Args:
            frame: Which.
            camera: Where it is seen from.
            light: What lights it.
            color: float32 (H, W, 3), RGB in 0..1; changed.
            depth: float32 (H, W), meters along the ray; changed.
        """
        if isinstance(self._who, MeshPerson):
            assert self._turned is not None
            self._who.draw(self._turned[frame], camera, light, color, depth)
        else:
            draw(self.solids[frame], materials(self._who), camera, light, color, depth)
