"""Where frames come from: cameras, files, streams, the demo clip."""

from __future__ import annotations

from slowfast_live.sources.address import parse_source
from slowfast_live.sources.base import FrameSource, Picture
from slowfast_live.types import SourceKind, SourceSpec

__all__ = ["FrameSource", "Picture", "make_source", "parse_source"]


def make_source(spec: SourceSpec) -> FrameSource:
    """Return the source that a spec describes, not yet opened.

    OpenCV and PyAV are imported here, by the kind that needs them: importing this package is quick.
    """
    if spec.kind is SourceKind.CAMERA:
        from slowfast_live.sources.camera import CameraSource

        return CameraSource(spec.address, size=spec.size, backend=spec.backend, title=spec.name)
    if spec.kind is SourceKind.STREAM:
        from slowfast_live.sources.stream import StreamSource

        return StreamSource(spec.address)
    if spec.kind is SourceKind.DEMO:
        from slowfast_live.sources.demo import DemoSource

        return DemoSource()
    from slowfast_live.sources.file import FileSource

    return FileSource(spec.address)
