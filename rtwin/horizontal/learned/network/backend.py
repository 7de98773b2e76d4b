"""The door to Keras: imported late, after the tracer, with one line where it is missing."""

from typing import Any

from rtwin.errors import MissingExtraError
from rtwin.extras import needs


def keras() -> Any:
    """The keras package on TensorFlow.

    The tracing engine is started first: loaded after TensorFlow it may crash.

    Raises:
        MissingExtraError: if Keras or TensorFlow is not installed.
    """
    import os

    from rtwin.trace import start_engine

    start_engine()
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with needs("learning needs TensorFlow and Keras 3", "'rtwin[horizontal]'"):
        import keras
        import tensorflow as tf
    if keras.backend.backend() != "tensorflow":
        raise MissingExtraError(
            f"Keras runs on {keras.backend.backend()}, learning needs TensorFlow; "
            "set KERAS_BACKEND=tensorflow"
        )
    for device in tf.config.list_physical_devices("GPU"):
        try:
            tf.config.experimental.set_memory_growth(device, True)
        except RuntimeError:
            break  # already in use
    return keras
