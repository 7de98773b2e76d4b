"""rtwin: ray-traced channel twins.

A scene is traced into path geometry once; fields, radio maps and channels are
evaluated from it as often as needed. ``import rtwin`` loads neither the ray
tracer nor TensorFlow.
"""

__version__ = "0.1.0"
