"""Frame sources: cameras, files, streams, the screen and the demo clip."""

from __future__ import annotations

from slowfast_live.sources.address import parse_source
from slowfast_live.sources.base import FrameSource, Picture
from slowfast_live.types import SourceKind, SourceSpec

__all__ = ["FrameSource", "Picture", "make_source", "parse_source"]


def make_source(spec: SourceSpec) -> FrameSource:
    """Create the source that a spec describes, without opening it.

    OpenCV and PyAV are imported here by the sources that need them, so that importing this package is fast.
    """
    if spec.kind is SourceKind.CAMERA:
        from slowfast_live.sources.camera import CameraSource

        return CameraSource(spec.address, size=spec.size, backend=spec.backend, title=spec.name)
    if spec.kind is SourceKind.STREAM:
        from slowfast_live.sources.stream import StreamSource

        return StreamSource(spec.address)
    if spec.kind is SourceKind.SCREEN:
        from slowfast_live.sources.screen import ScreenSource

        return ScreenSource(spec.address)
    if spec.kind is SourceKind.DEMO:
        from slowfast_live.sources.demo import DemoSource

        return DemoSource()
    from slowfast_live.sources.local import local_source

    return local_source(spec.address, spec.rate)
