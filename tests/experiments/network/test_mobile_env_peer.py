"""mobile-env runs an episode on a radio map. Needs `pip install mobile-env`."""

import numpy as np
import pytest

from rtwin.dataset import open_radio_map
from rtwin.errors import OutOfRangeError

pytestmark = pytest.mark.peer


@pytest.fixture
def radio_map(map_file):
    pytest.importorskip("mobile_env")
    return open_radio_map(map_file)


def test_an_episode_runs_and_snr_is_that_of_the_map(radio_map):
    from mobile_env.core.base import MComCore
    from mobile_env.core.entities import UserEquipment
    from mobile_env.core.util import deep_dict_merge

    from rtwin.experiments import RadioMapChannel, mobile_env_config, mobile_env_stations

    config = deep_dict_merge(MComCore.default_config(), mobile_env_config(radio_map))
    stations = mobile_env_stations(radio_map, 9e6)
    users = [UserEquipment(i, **config["ue"]) for i in range(4)]
    env = MComCore(stations, users, config)
    assert isinstance(env.channel, RadioMapChannel)
    env.reset(seed=1)
    rewards = []
    for _ in range(50):
        _, reward, _, truncated, _ = env.step(env.action_space.sample())
        rewards.append(reward)
        if truncated:
            break
    assert len(rewards) == 50
    assert np.isfinite(rewards).all()
    assert env.channel.num_asked > 100
    # A user on a cell's centre has the SNR of that cell.
    row, column = 7, 15
    center = radio_map.cell_centers_m[row, column]
    corner = radio_map.cell_centers_m[0, 0, :2] - float(radio_map.attributes["cell_size_m"]) / 2
    users[0].x, users[0].y = center[:2] - corner
    wanted = radio_map.path_gain[1, row, column] * 10 ** (radio_map.tx_power_dbm[1] / 10 - 3)
    wanted /= float(radio_map.attributes["noise_power_w"])
    assert wanted > 0
    assert env.channel.snr(stations[1], users[0]) == pytest.approx(wanted, rel=1e-9)


def test_outside_and_unknown_stations(radio_map):
    from mobile_env.core.entities import BaseStation, UserEquipment

    from rtwin.experiments import RadioMapChannel

    channel = RadioMapChannel(radio_map, seed=3)
    user = UserEquipment(0, 1.0, 1e-8, 1e-9, 1.5)
    user.x, user.y = -50.0, 10.0
    assert channel.power_loss(BaseStation(0, (0, 0), 9e6, 3500, 30, 10), user) == np.inf
    assert channel.snr(BaseStation(0, (0, 0), 9e6, 3500, 30, 10), user) == 0
    assert (channel.num_asked, channel.num_lost) == (2, 2)
    with pytest.raises(OutOfRangeError, match="base station 5 is none of the map's 2"):
        channel.power_loss(BaseStation(5, (0, 0), 9e6, 3500, 30, 10), user)
