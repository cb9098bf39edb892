"""Asks for the address of an inference server."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QInputDialog, QWidget

from slowfast_live.inference.remote.address import EXAMPLE
from slowfast_live.ui.style.language import tr


def server_dialog(parent: QWidget, on_address: Callable[[str], object]) -> QInputDialog:
    """Return a dialog in which the user types an address; `on_address` is called with it."""
    dialog = QInputDialog(parent)
    dialog.setWindowTitle(tr("Add an inference server"))
    dialog.setLabelText(
        tr(
            "Address of OpenVINO Model Server or Triton that has this model.\nFor example {EXAMPLE}, "
            "or grpcs://HOST:PORT for an encrypted connection.",
            EXAMPLE=EXAMPLE,
        )
    )
    dialog.setInputMode(QInputDialog.InputMode.TextInput)
    dialog.setTextValue("grpc://")
    dialog.setOkButtonText(tr("Use it"))
    dialog.resize(480, dialog.sizeHint().height())
    dialog.textValueSelected.connect(on_address)
    return dialog
