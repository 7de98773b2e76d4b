"""Twins: bounded, with ages, alive after a restart; pools of models."""

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError, ShapeError, StoreError
from rtwin.streaming.behaviour import HastePosterior, draw_views
from rtwin.streaming.twins import ModelPool, SliceTwin, Store, Twin, UserTwin


def test_database_is_bounded_and_keeps_the_newest():
    twin = Twin("one", capacity=5)
    for second in range(12):
        twin.put(second, sinr_db=[second, -second])
    times, rows = twin.window("sinr_db", 100)
    assert times.tolist() == [7, 8, 9, 10, 11]
    assert rows[:, 1].tolist() == [-7, -8, -9, -10, -11]
    assert twin.num_bytes == 5 * 2 * 8


def test_every_value_has_an_age_and_a_rate():
    twin = Twin("one")
    twin.put(0.0, a=1.0)
    twin.put(4.0, a=2.0, b=3.0)
    assert (twin.age_s("a", 10.0), twin.age_s("b", 10.0)) == (6.0, 6.0)
    assert twin.age_s("c", 10.0) == np.inf
    assert twin.rate_hz("a") == 0.25
    assert np.isnan(twin.rate_hz("b"))


def test_twins_survive_a_restart(tmp_path, catalogue):
    store = Store(tmp_path / "twins.db")
    twin = UserTwin("ue_0", store)
    views = draw_views(catalogue, np.arange(9), 2.0, np.ones(9))
    haste, taste = twin.learn(60.0, views, np.arange(8))
    SliceTwin("slice", store).put(60.0, demand_s=[1.0, 2.0, 3.0])
    store.close()
    again = UserTwin("ue_0", Store(tmp_path / "twins.db"))
    assert again.haste() == haste
    assert again.preference(8).mean == pytest.approx(taste.mean)
    assert again.age_s("swipes", 70.0) == 10.0
    assert SliceTwin("slice", again.store).latest("demand_s").tolist() == [1.0, 2.0, 3.0]


def test_learning_is_the_posterior(catalogue):
    twin, rng = UserTwin("ue_0"), np.random.default_rng(3)
    swipes = exposure = 0.0
    for interval in range(3):
        views = draw_views(catalogue, rng.integers(80, size=9), 1.3, rng.exponential(size=9))
        swipes += views.swiped.sum()
        exposure += views.exposure.sum()
        known, _ = twin.learn(60.0 * interval, views, np.ones(8))
    wanted = HastePosterior().seen(swipes, exposure)
    assert (known.shape, known.rate) == pytest.approx((wanted.shape, wanted.rate))
    assert twin.models.newest("haste").version == 3


def test_pool_counts_versions_and_forgets_old_ones():
    pool = ModelPool(Store(), "one", keep=2)
    for minute in range(4):
        made = pool.add("haste", 60.0 * minute, {"shape": minute, "knots": np.arange(3)}, 12.0)
    pool.judge("haste", 0.25)
    assert [m.version for m in pool.versions("haste")] == [3, 4]
    newest = pool.newest("haste")
    assert newest.error == 0.25
    assert newest.age_s(200.0) == 20.0
    assert newest.parameters == {"shape": 3, "knots": [0, 1, 2]}
    assert newest.num_bytes == made.num_bytes > 20
    assert pool.names() == ("haste",)


def test_one_store_holds_many_twins():
    store = Store()
    one, other = Twin("one", store), Twin("other", store)
    one.put(1.0, a=1.0)
    other.put(2.0, a=5.0)
    assert one.latest("a").tolist() == [1.0]
    assert store.series("other") == ("a",)
    assert store.count("one", "a") == 1


def test_what_is_impossible_is_said(tmp_path):
    twin = Twin("one")
    twin.put(5.0, a=1.0)
    with pytest.raises(OutOfRangeError, match="4 s is before"):
        twin.put(4.0, a=1.0)
    with pytest.raises(ShapeError, match="vector"):
        twin.put(6.0, a=np.ones((2, 2)))
    with pytest.raises(OutOfRangeError, match=r"has no 'b'; it has a"):
        twin.latest("b")
    with pytest.raises(OutOfRangeError, match="capacity is 0"):
        Twin("one", capacity=0)
    with pytest.raises(OutOfRangeError, match="has no model 'x'"):
        twin.models.judge("x", 1.0)
    (tmp_path / "text.db").write_text("this is no database of anything " * 40)
    with pytest.raises(StoreError, match="is no database of twins"):
        Store(tmp_path / "text.db")


def test_a_newer_file_is_refused(tmp_path):
    store = Store(tmp_path / "twins.db")
    with store.database as database:
        database.execute("update about set value = 'rtwin-twins-9'")
    store.close()
    with pytest.raises(StoreError, match="rtwin-twins-9"):
        Store(tmp_path / "twins.db")
