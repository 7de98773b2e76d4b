"""While the engine records, nothing else of it dies."""

import gc

from rtwin.trace.engine import recording


def test_collection_rests_and_goes_on():
    assert gc.isenabled()
    with recording():
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.disable()
    try:
        with recording():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
