"""The table of all commands and their shortcuts, from which menus, tooltips and the `?` sheet are generated."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from slowfast_live.ui.style import formatting
from slowfast_live.ui.style.language import tr


@dataclass(frozen=True, slots=True)
class Command:
    """A command that the user can run.

    Attributes:
        id: Its name in the code.
        text: Its name in menus; "" if it is in no menu.
        keys: Key sequences in Qt's portable form; the first is the one shown. None for what is only in a menu.
        group: Its heading on the `?` sheet.
        tip: One short sentence for tooltips and screen readers.
        checkable: Whether it can be turned on and off.
    """

    id: str
    text: str
    keys: tuple[str, ...]
    group: str
    tip: str
    checkable: bool = False


COMMANDS: tuple[Command, ...] = (
    Command("open_camera", tr("Use the camera"), ("C",), tr("Source"), tr("Open the first camera")),
    Command("open_file", tr("Open file…"), ("Ctrl+O",), tr("Source"), tr("Open a video file")),
    Command(
        "open_pictures",
        tr("Open folder of images…"),
        ("Ctrl+Shift+O",),
        tr("Source"),
        tr("Play the images of a folder as a video, at a rate of your choice"),
    ),
    Command("open_url", tr("Open stream URL…"), ("Ctrl+U",), tr("Source"), tr("Open an RTSP, HTTP or TCP stream")),
    Command(
        "open_screen",
        tr("Watch the screen…"),
        ("Ctrl+Shift+D",),
        tr("Source"),
        tr("Watch a screen, a region of it or a window"),
    ),
    Command(
        "queue", tr("Queue of files…"), ("Ctrl+Shift+Q",), tr("Source"), tr("Play several files one after the other")
    ),
    Command("next_file", tr("Next file"), ("Ctrl+PgDown",), tr("Source"), tr("Play the next file of the queue")),
    Command(
        "previous_file", tr("Previous file"), ("Ctrl+PgUp",), tr("Source"), tr("Play the previous file of the queue")
    ),
    Command("open_demo", tr("Play the demo"), ("Ctrl+D",), tr("Source"), tr("Play the clip that comes with the app")),
    Command("retry", tr("Try again"), ("F5",), tr("Source"), tr("Try to open the source again")),
    Command("sessions", tr("Sessions…"), ("Ctrl+H",), tr("Source"), tr("Open, rename and delete earlier sessions")),
    Command(
        "save_session", tr("Save session as…"), ("Ctrl+Shift+S",), tr("Source"), tr("Save events and edits to a file")
    ),
    Command("mirror", tr("Mirror the picture"), ("M",), tr("Source"), tr("Swap left and right"), checkable=True),
    Command("play_pause", tr("Play or pause"), ("Space", "K"), tr("Playing"), tr("Play or pause a file")),
    Command("step_back", tr("One frame back"), (",",), tr("Playing"), tr("Pause and go one frame back")),
    Command("step_forward", tr("One frame forward"), (".",), tr("Playing"), tr("Pause and go one frame forward")),
    Command("back", tr("5 seconds back"), ("J",), tr("Playing"), tr("Jump back 5 seconds")),
    Command("forward", tr("5 seconds forward"), ("L",), tr("Playing"), tr("Jump forward 5 seconds")),
    Command("loop", tr("Loop"), ("O",), tr("Playing"), tr("Restart a file at its end"), checkable=True),
    Command("slower", tr("Slower"), ("[",), tr("Playing"), tr("Play a file slower")),
    Command("faster", tr("Faster"), ("]",), tr("Playing"), tr("Play a file faster")),
    Command(
        "full_screen",
        tr("Full screen"),
        ("F11", "F"),
        tr("View"),
        tr("Show only the picture, on the whole screen"),
        checkable=True,
    ),
    Command("leave_full_screen", tr("Leave full screen"), ("Esc",), tr("View"), tr("Return from full screen")),
    Command("side_panel", tr("Side panel"), ("P",), tr("View"), tr("Show or hide the side panel"), checkable=True),
    Command(
        "overlay_bars",
        tr("Scores over the picture"),
        ("B",),
        tr("View"),
        tr("Show the five best scores"),
        checkable=True,
    ),
    Command(
        "big_label",
        tr("Big label"),
        ("G",),
        tr("View"),
        tr("Show a label that can be read across the room"),
        checkable=True,
    ),
    Command(
        "people",
        tr("Follow people"),
        ("Y",),
        tr("View"),
        tr("A box and labels for each person; click on somebody to follow that person"),
        checkable=True,
    ),
    Command(
        "explain",
        tr("Why it says so"),
        ("H",),
        tr("View"),
        tr("Draw over the picture where and when the score of the action comes from"),
        checkable=True,
    ),
    Command(
        "count",
        tr("Count repetitions"),
        ("X",),
        tr("View"),
        tr("Count what repeats, such as squats"),
        checkable=True,
    ),
    Command("on_top", tr("Always on top"), ("Ctrl+T",), tr("View"), tr("Keep the window above others"), checkable=True),
    Command("snapshot", tr("Take a snapshot"), ("S",), tr("View"), tr("Save the picture with its overlay as PNG")),
    Command(
        "copy_picture",
        tr("Copy the picture"),
        ("Ctrl+Shift+C",),
        tr("View"),
        tr("Copy the picture with its overlay to the clipboard"),
    ),
    Command("timeline", tr("Timeline"), ("T",), tr("Events"), tr("Expand or collapse the timeline"), checkable=True),
    Command("events", tr("List of events"), ("E",), tr("Events"), tr("Show the recognized events as a list")),
    Command("zoom_in", tr("Zoom in"), ("Ctrl++",), tr("Events"), tr("Zoom in on the timeline")),
    Command("zoom_out", tr("Zoom out"), ("Ctrl+-",), tr("Events"), tr("Zoom out of the timeline")),
    Command("zoom_all", tr("Whole timeline"), ("Ctrl+0",), tr("Events"), tr("Show the whole timeline")),
    Command("now", tr("Back to now"), ("N",), tr("Events"), tr("Scroll the timeline to now, or to the playhead")),
    Command("undo", tr("Undo"), ("Ctrl+Z",), tr("Events"), tr("Undo the last change to an event")),
    Command("redo", tr("Redo"), ("Ctrl+Shift+Z", "Ctrl+Y"), tr("Events"), tr("Redo the change that was undone last")),
    Command(
        "add_event", tr("Add an event…"), ("Ctrl+N", "Ins"), tr("Events"), tr("Add an event that was not recognized")
    ),
    Command("mark_in", tr("Part begins here"), ("Shift+I",), tr("Events"), tr("Mark where the part to export begins")),
    Command("mark_out", tr("Part ends here"), ("Shift+O",), tr("Events"), tr("Mark where the part to export ends")),
    Command("clear_marks", tr("All of it again"), ("Shift+X",), tr("Events"), tr("Forget the part that was marked")),
    Command(
        "summary",
        tr("Summary…"),
        ("Ctrl+P",),
        tr("Events"),
        tr("Sum up the part that was marked, or everything, to print"),
    ),
    Command(
        "run_session",
        tr("Start a session"),
        ("Ctrl+Return",),
        tr("Events"),
        tr("Start a session now; finishing it shows its summary"),
        checkable=True,
    ),
    Command("export_events", tr("Export events…"), ("Ctrl+E",), tr("Events"), tr("Save the events as a file")),
    Command("record", tr("Record"), ("Ctrl+R",), tr("Recording"), tr("Record the picture as a video")),
    Command(
        "save_last",
        tr("Save the last 30 seconds"),
        ("Ctrl+Shift+R",),
        tr("Recording"),
        tr("Save what was just shown as a video"),
    ),
    Command(
        "publish",
        tr("To other programs…"),
        ("Ctrl+Shift+P",),
        tr("Recording"),
        tr("Pass on what is recognized: a local feed, MQTT, a text file"),
    ),
    Command("rules", tr("Rules…"), ("A",), tr("Recording"), tr("Define what happens when an action is seen")),
    Command(
        "rest",
        tr("Rest while nothing moves"),
        ("I",),
        tr("Decision"),
        tr("Save power: pause the model until something moves"),
        checkable=True,
    ),
    Command("lower", tr("Lower the threshold"), ("-",), tr("Decision"), tr("Lower the threshold by 5 %")),
    Command("higher", tr("Raise the threshold"), ("+", "="), tr("Decision"), tr("Raise the threshold by 5 %")),
    Command(
        "recommended",
        tr("Recommended threshold"),
        ("R",),
        tr("Decision"),
        tr("Use the threshold that the model recommends"),
    ),
    Command("models", tr("Models…"), ("Ctrl+M",), tr("Go to"), tr("Build, compare and choose models")),
    Command(
        "recognize_400",
        tr("Recognize 400 actions…"),
        ("Ctrl+Shift+M",),
        tr("Go to"),
        tr("Set up a network that knows the 400 actions of Kinetics"),
    ),
    Command(
        "person_detector",
        tr("Person detector…"),
        ("Shift+Y",),
        tr("Go to"),
        tr("Get a detector that finds everybody in the picture, or choose another one"),
    ),
    Command(
        "teach",
        tr("Teach an action…"),
        ("Ctrl+L",),
        tr("Go to"),
        tr("Teach the model actions of your own, from examples"),
    ),
    Command(
        "analyze", tr("Analyze files…"), ("Ctrl+Shift+A",), tr("Go to"), tr("Recognize actions in files and folders")
    ),
    Command(
        "analyze_this", tr("Analyze this file"), ("Ctrl+Alt+A",), tr("Go to"), tr("Recognize actions in the open file")
    ),
    Command(
        "measure", tr("Measure this machine…"), ("Ctrl+B",), tr("Go to"), tr("Find the best model for this machine")
    ),
    Command("focus_source", tr("Choose a source"), ("Ctrl+1",), tr("Go to"), tr("Open the list of sources")),
    Command("focus_model", tr("Choose a model"), ("Ctrl+2",), tr("Go to"), tr("Open the list of models")),
    Command("focus_device", tr("Choose a device"), ("Ctrl+3",), tr("Go to"), tr("Open the list of devices")),
    Command("find_action", tr("Find an action"), ("Ctrl+F",), tr("Go to"), tr("Search the actions of the model")),
    Command("fold_now", "", ("Alt+1",), tr("Go to"), tr("Expand or collapse the section Now")),
    Command("fold_actions", "", ("Alt+2",), tr("Go to"), tr("Expand or collapse the section Actions")),
    Command("fold_model", "", ("Alt+3",), tr("Go to"), tr("Expand or collapse the section Model")),
    Command("fold_live", "", ("Alt+4",), tr("Go to"), tr("Expand or collapse the section Live")),
    Command("menu", "", ("F10",), tr("Go to"), tr("Open the first menu")),
    Command("dismiss", "", ("Ctrl+Backspace",), tr("Go to"), tr("Dismiss the message above the picture")),
    Command("help", tr("Keyboard shortcuts"), ("?", "F1"), tr("Help"), tr("Show this sheet")),
    Command("start_card", tr("What can it recognize?"), ("W",), tr("Help"), tr("Show the actions, and how to stand")),
    Command("about", tr("About SlowFast Live"), (), tr("Help"), tr("Version, licenses and facts for support")),
    Command("quit", tr("Quit"), ("Ctrl+Q",), tr("Help"), tr("Close the window")),
)
_BY_ID = {command.id: command for command in COMMANDS}


def command(command_id: str) -> Command:
    """Return a command by ID.

    Raises:
        KeyError: There is no such command.
    """
    return _BY_ID[command_id]


def key_text(command_id: str) -> str:
    """Return the keys in the system's native notation, e.g. "Space or K"."""
    form = QKeySequence.SequenceFormat.NativeText
    return " or ".join(QKeySequence(key).toString(form) for key in _BY_ID[command_id].keys)


def tip(command_id: str, text: str = "") -> str:
    """Return a tooltip: `text`, or the command's own, followed by the shortcut."""
    keys = key_text(command_id)
    shown = text or _BY_ID[command_id].tip
    return f"{shown} ({keys})" if keys else shown


def describe(widget: QWidget, name: str, tooltip: str) -> None:
    """Set a control's name and description for screen readers, and its tooltip."""
    widget.setAccessibleName(name)
    widget.setAccessibleDescription(tooltip)
    widget.setToolTip(formatting.tooltip(tooltip))


def make_actions(window: QWidget) -> dict[str, QAction]:
    """Create one action per command; its shortcuts work in the whole window."""
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
