"""Details of a model for the model manager, as HTML. No widgets."""

from __future__ import annotations

from html import escape

from slowfast_live.core.sampling import ClipTiming
from slowfast_live.inference.spec import ModelSpec
from slowfast_live.ui.models.model_catalogue import Buildable, CatalogueRow, OnDisk, Speed
from slowfast_live.ui.panels.model_card import accuracy_text
from slowfast_live.ui.style import formatting
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.names import action_name, sentence

_CLIP_FPS = 30.0
"""Frame rate that the strides of the catalogue refer to."""
_LABELS_SHOWN = 5
_BREAK = "/&#8203;"
"""A zero-width space after each slash lets long addresses wrap."""


def details_html(row: CatalogueRow, built: OnDisk | None = None, speed: Speed | None = None) -> str:
    """Return the details of a model as an HTML document; texts from models and URLs are escaped.

    Args:
        row: The network, or the user's own model.
        built: The selected folder of the model; None if there is none.
        speed: Its speed on this machine; None if unknown.
    """
    spec, network = built.model.spec if built else None, row.buildable
    rows = [(name, escape(text)) for name, text in _facts(row, spec, network, speed)]
    rows += _origin(spec, network)
    if built:
        rows.append((tr("Folder"), escape(str(built.model.folder)).replace("/", _BREAK)))
    body = "".join(f"<p><b>{name}</b><br>{text}</p>" if name else f"<p>{text}</p>" for name, text in rows)
    return f"<html><body>{_head(row, spec, network)}{body}</body></html>"


def _head(row: CatalogueRow, spec: ModelSpec | None, network: Buildable | None) -> str:
    title = f"<h3>{escape(row.title)}</h3>"
    if spec and spec.description:
        return f"{title}<p>{escape(sentence(spec.description))}</p>"
    if network:
        family = escape(network.family)
        dataset = escape(network.dataset)
        if network.dataset.startswith("Kinetics"):
            return tr(
                "{title}<p>{family} network, trained on {dataset}: {actions} actions of everyday life.</p>",
                title=title,
                family=family,
                dataset=dataset,
                actions=network.actions,
            )
        if network.people:
            return tr(
                "{title}<p>{family} network, trained on {dataset}: {actions} actions of each person.</p>",
                title=title,
                family=family,
                dataset=dataset,
                actions=network.actions,
            )
        return tr(
            "{title}<p>{family} network, trained on {dataset}: {actions} labels.</p>",
            title=title,
            family=family,
            dataset=dataset,
            actions=network.actions,
        )
    return title


def _facts(
    row: CatalogueRow, spec: ModelSpec | None, network: Buildable | None, speed: Speed | None
) -> list[tuple[str, str]]:
    """Return pairs of name and plain text."""
    facts = [(tr("Clip"), clip)] if (clip := _clip(spec, network)) else []
    top1, top5 = row.accuracy("top-1"), row.accuracy("top-5")
    figures = [
        f"{formatting.percent(value / 100)} {name}" for name, value in (("top-1", top1), ("top-5", top5)) if value
    ]
    if mean_ap := row.accuracy("mAP"):
        figures.append(tr("{mean_ap} mAP", mean_ap=formatting.percent(mean_ap / 100)))
    dataset = network.dataset if network else next((a.dataset for a in spec.accuracy), "") if spec else ""
    if figures:
        facts.append((tr("Accuracy"), tr("{join} on {dataset}, published", join=", ".join(figures), dataset=dataset)))
    if spec:
        labels = [label for label in spec.actions if label not in spec.decision.off]
        some = ", ".join(map(action_name, labels[:_LABELS_SHOWN])) + (" …" if len(labels) > _LABELS_SHOWN else "")
        facts.append((tr("Actions"), f"{len(labels)}: {some}"))
        facts += [(tr("Measured"), accuracy_text(entry)) for entry in spec.accuracy if entry.origin == "measured"]
    how_fast = tr("{value} a clip. {origin}", value=speed.figure, origin=speed.origin) if speed else ""
    facts.append((tr("Speed"), how_fast or tr("unknown: once a model has run, it can be estimated")))
    license_name = (spec.licence if spec else "") or (network.licence if network else "")
    facts.append((tr("License"), license_name or tr("not stated")))
    return facts


def _clip(spec: ModelSpec | None, network: Buildable | None) -> str:
    if spec:
        frames, stride, side, fps = spec.clip.frames, spec.clip.stride, spec.clip.side, spec.clip.fps
    elif network:
        frames, stride, side, fps = network.frames, network.stride, network.side, _CLIP_FPS
    else:
        return ""
    length = formatting.clip_length(ClipTiming(frames, stride, fps))
    if spec.detects if spec else network is not None and network.people:
        return tr(
            "{frames} whole pictures with a short side of {side} over {length} (stride {stride} at {fps} fps)",
            frames=frames,
            side=side,
            length=length,
            stride=stride,
            fps=f"{fps:g}",
        )
    return tr(
        "{frames} pictures of {side} × {side} over {length} (stride {stride} at {fps} fps)",
        frames=frames,
        side=side,
        length=length,
        stride=stride,
        fps=f"{fps:g}",
    )


def _origin(spec: ModelSpec | None, network: Buildable | None) -> list[tuple[str, str]]:
    """Return pairs of name and HTML; only web addresses become links."""
    rows = []
    url = (spec.origin.get("url", "") if spec else "") or (network.checkpoint.url if network else "")
    if url.startswith("https://"):
        rows.append(
            (tr("Weights"), tr('<a href="{url}">{url_2}</a>', url=escape(url), url_2=escape(url).replace("/", _BREAK)))
        )
    elif spec and spec.origin.get("note"):
        rows.append((tr("Weights"), escape(sentence(spec.origin["note"]))))
    if network and network.checkpoint.downloaded:
        rows.append(("", tr("already downloaded")))
    return rows
