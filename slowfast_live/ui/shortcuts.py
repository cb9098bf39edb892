"""One table of what can be done and with which keys: it feeds the menus, the tooltips and the `?` sheet."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from slowfast_live.ui import wording


@dataclass(frozen=True, slots=True)
class Command:
    """Something that the user can do.

    Attributes:
        id: Its name in the code.
        text: Its name in menus; "" where it stands in no menu.
        keys: Key sequences, the one to show first, in Qt's portable form.
        group: Its heading on the `?` sheet.
        tip: One short sentence for tooltips and screen readers.
        checkable: It is on or off.
    """

    id: str
    text: str
    keys: tuple[str, ...]
    group: str
    tip: str
    checkable: bool = False


COMMANDS: tuple[Command, ...] = (
    Command("open_file", "Open file…", ("Ctrl+O",), "Source", "Open a video file"),
    Command("open_url", "Open stream URL…", ("Ctrl+U",), "Source", "Open an RTSP, HTTP or TCP stream"),
    Command("open_demo", "Play the demo", ("Ctrl+D",), "Source", "Play the clip that comes with the app"),
    Command("mirror", "Mirror the picture", ("M",), "Source", "Swap left and right", checkable=True),
    Command("play_pause", "Play or pause", ("Space", "K"), "Playing", "Play or pause a file"),
    Command("step_back", "One frame back", (",",), "Playing", "Pause and go one frame back"),
    Command("step_forward", "One frame forward", (".",), "Playing", "Pause and go one frame forward"),
    Command("back", "5 seconds back", ("J",), "Playing", "Go 5 seconds back"),
    Command("forward", "5 seconds forward", ("L",), "Playing", "Go 5 seconds forward"),
    Command("loop", "Loop", ("O",), "Playing", "Start a file again at its end", checkable=True),
    Command("slower", "Slower", ("[",), "Playing", "Play a file slower"),
    Command("faster", "Faster", ("]",), "Playing", "Play a file faster"),
    Command(
        "full_screen",
        "Full screen",
        ("F11", "F"),
        "View",
        "Only the picture, on the whole screen",
        checkable=True,
    ),
    Command("leave_full_screen", "Leave full screen", ("Esc",), "View", "Back from the full screen"),
    Command("side_panel", "Side panel", ("P",), "View", "Show or fold the side panel", checkable=True),
    Command("overlay_bars", "Scores over the picture", ("B",), "View", "Draw the best five scores", checkable=True),
    Command("on_top", "Always on top", ("Ctrl+T",), "View", "Keep the window above others", checkable=True),
    Command("snapshot", "Take a snapshot", ("S",), "View", "Save the picture with its overlay as PNG"),
    Command("timeline", "Timeline", ("T",), "Events", "Unfold the timeline, or fold it", checkable=True),
    Command("events", "List of events", ("E",), "Events", "Show what happened as a list"),
    Command("zoom_in", "Zoom in", ("Ctrl++",), "Events", "Look closer in the timeline"),
    Command("zoom_out", "Zoom out", ("Ctrl+-",), "Events", "Look from farther away"),
    Command("zoom_all", "Whole timeline", ("Ctrl+0",), "Events", "Look at the whole time"),
    Command("now", "Back to now", ("N",), "Events", "Look at now, or at the playhead"),
    Command("undo", "Undo", ("Ctrl+Z",), "Events", "Take back the last change to an event"),
    Command("export_events", "Export events…", ("Ctrl+E",), "Events", "Save the events as a file"),
    Command("record", "Record", ("Ctrl+R",), "Recording", "Record the picture as a video"),
    Command(
        "save_last",
        "Save the last 30 seconds",
        ("Ctrl+Shift+R",),
        "Recording",
        "Save what was just seen as a video",
    ),
    Command("rules", "Rules…", ("A",), "Recording", "Say what happens when an action is seen"),
    Command(
        "rest",
        "Rest while nothing moves",
        ("I",),
        "Decision",
        "Save power: the model rests until something moves",
        checkable=True,
    ),
    Command("lower", "Lower the threshold", ("-",), "Decision", "Lower the threshold by 0.05"),
    Command("higher", "Raise the threshold", ("+", "="), "Decision", "Raise the threshold by 0.05"),
    Command(
        "recommended",
        "Recommended threshold",
        ("R",),
        "Decision",
        "Use what the model recommends",
    ),
    Command("models", "Models…", ("Ctrl+M",), "Go to", "Build, compare and choose models"),
    Command("analyze", "Analyze files…", ("Ctrl+Shift+A",), "Go to", "Find what happens when in files and folders"),
    Command("measure", "Measure this machine…", ("Ctrl+B",), "Go to", "Find what suits this machine"),
    Command("focus_source", "Choose a source", ("Ctrl+1",), "Go to", "Open the list of sources"),
    Command("focus_model", "Choose a model", ("Ctrl+2",), "Go to", "Open the list of models"),
    Command("focus_device", "Choose a device", ("Ctrl+3",), "Go to", "Open the list of devices"),
    Command("find_action", "Find an action", ("Ctrl+F",), "Go to", "Search the actions of the model"),
    Command("fold_now", "", ("Alt+1",), "Go to", "Fold the section Now"),
    Command("fold_live", "", ("Alt+2",), "Go to", "Fold the section Live"),
    Command("fold_model", "", ("Alt+3",), "Go to", "Fold the section Model"),
    Command("fold_actions", "", ("Alt+4",), "Go to", "Fold the section Actions"),
    Command("menu", "", ("F10",), "Go to", "Open the menu"),
    Command("dismiss", "", ("Ctrl+Backspace",), "Go to", "Dismiss the message above the picture"),
    Command("help", "Keyboard shortcuts", ("?", "F1"), "Help", "Show this sheet"),
    Command("quit", "Quit", ("Ctrl+Q",), "Help", "Close the window"),
)
_BY_ID = {command.id: command for command in COMMANDS}


def command(command_id: str) -> Command:
    """Return a command.

    Raises:
        KeyError: There is none of that name.
    """
    return _BY_ID[command_id]


def key_text(command_id: str) -> str:
    """Return the keys as this system writes them, e.g. "Space or K"."""
    form = QKeySequence.SequenceFormat.NativeText
    return " or ".join(QKeySequence(key).toString(form) for key in _BY_ID[command_id].keys)


def tip(command_id: str, text: str = "") -> str:
    """Return a tooltip: `text`, or the command's own, with the key to press."""
    return f"{text or _BY_ID[command_id].tip} ({key_text(command_id)})"


def describe(widget: QWidget, name: str, tooltip: str) -> None:
    """Give a control its name and description for screen readers, and its tooltip."""
    widget.setAccessibleName(name)
    widget.setAccessibleDescription(tooltip)
    widget.setToolTip(wording.tooltip(tooltip))


def make_actions(window: QWidget) -> dict[str, QAction]:
    """Make one action for each command; their keys work in the whole window."""
    actions = {}
    for entry in COMMANDS:
        action = QAction(entry.text or entry.tip, window)
        action.setObjectName(entry.id)
        action.setShortcuts([QKeySequence(key) for key in entry.keys])
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        action.setCheckable(entry.checkable)
        action.setIconVisibleInMenu(False)
        action.setToolTip(tip(entry.id))
        action.setMenuRole(QAction.MenuRole.QuitRole if entry.id == "quit" else QAction.MenuRole.NoRole)
        window.addAction(action)
        actions[entry.id] = action
    return actions
