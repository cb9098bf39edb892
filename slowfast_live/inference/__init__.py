"""Models and the devices that run them. The only package of the app that imports openvino."""
