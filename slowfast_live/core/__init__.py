"""Core algorithms without Qt, OpenVINO or devices: frame ring, sampling, framing, smoothing, events, meters."""
