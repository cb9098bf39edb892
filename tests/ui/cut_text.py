"""Texts that do not fit into their place."""

from __future__ import annotations

import re
from collections.abc import Iterator

from PySide6.QtCore import QRect, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QLabel,
    QLineEdit,
    QScrollArea,
    QStyle,
    QStyleOptionComboBox,
    QTabBar,
    QTableView,
    QWidget,
)

from slowfast_live.ui.panels.source_bar import Choice
from slowfast_live.ui.style.elided_label import ElidedLabel

SLACK = 1
_CJK = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")
"""Letters between which a line may break."""


def cut_texts(window: QWidget) -> list[str]:
    """What is shown in part only, with how much room it wants and has."""
    return [
        f"{type(widget).__name__} {text!r}: {wanted} in {there}"
        for widget in window.findChildren(QWidget)
        if widget.isVisible() and widget.window() is window
        for text, wanted, there in _needs(widget)
        if wanted > there + SLACK
    ]


def _needs(widget: QWidget) -> Iterator[tuple[str, int, int]]:
    """(text, wanted, there) in pixels, of width or of height."""
    metrics = widget.fontMetrics()
    if isinstance(widget, ElidedLabel):
        return  # says the rest in its tooltip
    if isinstance(widget, QLabel) and widget.text():
        if widget.wordWrap():
            yield widget.text(), widget.heightForWidth(widget.width()), widget.height()
            words = [] if widget.textFormat() is Qt.TextFormat.RichText else _CJK.sub(r" \g<0> ", widget.text()).split()
            longest = max((metrics.horizontalAdvance(word) for word in words), default=0)
            yield widget.text(), longest, widget.contentsRect().width()
        else:
            yield widget.text(), widget.sizeHint().width(), widget.width()
            yield widget.text(), widget.sizeHint().height(), widget.height()
    elif isinstance(widget, QAbstractButton) and widget.text():
        yield widget.text(), widget.sizeHint().width(), widget.width()
        yield widget.text(), metrics.height() + 4, widget.height()
    elif isinstance(widget, QComboBox) and not isinstance(widget, Choice):
        option = QStyleOptionComboBox()
        widget.initStyleOption(option)
        field = widget.style().subControlRect(
            QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, widget
        )
        yield widget.currentText(), metrics.horizontalAdvance(widget.currentText()), field.width()
    elif isinstance(widget, QLineEdit) and not widget.text():
        shown = widget.placeholderText()
        yield shown, metrics.horizontalAdvance(shown), widget.contentsRect().width()
    elif isinstance(widget, QTabBar):
        for number in range(widget.count()):
            wanted = metrics.horizontalAdvance(widget.tabText(number))
            yield widget.tabText(number), wanted, widget.tabRect(number).width()
    elif isinstance(widget, QTableView):
        header = widget.horizontalHeader()
        for column in range(header.count()):
            if not header.isSectionHidden(column):
                title = str(widget.model().headerData(column, Qt.Orientation.Horizontal))
                yield title, metrics.horizontalAdvance(title), header.sectionSize(column)
    yield from _outside(widget)


def _outside(widget: QWidget) -> Iterator[tuple[str, int, int]]:
    """How far a control reaches beyond what holds it, unless that scrolls."""
    parent = widget.parentWidget()
    if (
        parent is None
        or isinstance(parent.parentWidget(), QScrollArea)
        or not isinstance(widget, QAbstractButton | QLabel | QLineEdit | QComboBox)
    ):
        return
    inside: QRect = parent.rect()
    name = widget.accessibleName() or type(widget).__name__
    yield f"right edge of {name}", widget.geometry().right(), inside.right()
    yield f"lower edge of {name}", widget.geometry().bottom(), inside.bottom()
