"""The actions that the bundled model distinguishes, and how each is usually seen."""

from __future__ import annotations

from dataclasses import dataclass

from slowfast_live.tools.training import motions
from slowfast_live.tools.training.motions import Motion

REJECT = "something else"


@dataclass(frozen=True)
class Action:
    """One class: its name, its motion, and how it is usually seen.

    Attributes:
        name: As the app shows it.
        motion: What the body does.
        turned: Standard deviation of the camera's yaw.
        upper_body: Share of clips that show head and arms only.
        tempo: Spread of the tempo: standard deviation of its logarithm.
        speed: Meters a second forward when it travels.
        behind: Share of clips that show the back.
        sideways: Share of clips that are filmed from the side.
        slow: Share of clips in which it is done slowly, as with weights or to learn it: not all of it is seen.
    """

    name: str
    motion: Motion
    turned: float = 0.45
    upper_body: float = 0.0
    tempo: float = 0.27
    speed: float = 0.0
    behind: float = 0.04
    sideways: float = 0.15
    slow: float = 0.0


ACTIONS = (
    Action("waving hand", motions.waving, 0.4, 0.45, sideways=0.06),
    Action("waving both hands", motions.waving_both, 0.4, 0.25, sideways=0.06),
    Action("clapping", motions.clapping, 0.45, 0.45, 0.35, sideways=0.2),
    Action("jumping jacks", motions.jumping_jacks, 0.45, sideways=0.06),
    Action("squat", motions.squats, 0.6, 0.0, 0.35, sideways=0.35, slow=0.3),
    Action("bending", motions.bowing, 0.7, 0.0, 0.35, sideways=0.45, slow=0.3),
    Action("walking", motions.walking, 0.8, 0.2, 0.28, 1.15, 0.25, sideways=0.35),
    Action("running", motions.running, 0.8, 0.28, 0.2, 2.6, 0.15, sideways=0.3),
    Action("punching", motions.punching, 0.6, 0.35, 0.35, sideways=0.25),
    Action("push up", motions.push_ups, 0.8, 0.0, 0.35, sideways=0.4),
    Action("jumping", motions.jumping, 0.6, behind=0.08, sideways=0.25),
    Action("arm circles", motions.arm_circles, 0.45, 0.2, 0.35, sideways=0.12),
    Action("kicking", motions.kicking, 0.7, sideways=0.3),
    Action("lunge", motions.lunging, 0.6, 0.0, 0.3, sideways=0.45, slow=0.3),
    Action("side stretch", motions.stretching_side, 0.4, 0.1, 0.3, sideways=0.02),
    Action("bicep curl", motions.raising_dumbbells, 0.6, 0.35, 0.35, sideways=0.25, slow=0.3),
    Action("standing still", motions.standing, 0.7, 0.25, sideways=0.15),
    Action("sitting still", motions.sitting, 0.6, 0.7, sideways=0.25),
)

LABELS = (*(a.name for a in ACTIONS), REJECT)
