"""What the app is made of, without Qt, OpenVINO or devices: ring, sampling, framing, smoothing, meters."""
