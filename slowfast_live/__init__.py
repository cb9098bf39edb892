"""SlowFast Live: says live what the person in front of a webcam, or in a video, is doing."""

import os

from slowfast_live import paths

# Windows' Media Foundation otherwise builds a hardware transform for each camera, which takes up to half a
# minute. OpenCV reads this once, when it is first imported, and any module of the app may be the first.
os.environ.setdefault("OPENCV_VIDEOIO_MSMF_ENABLE_HW_TRANSFORMS", "0")
paths.contain_libraries()

__version__ = "0.1.0"
