"""A policy that is a graph network, for any number of stations; needs PyTorch.

Two kinds of nodes, stations and the server, and two kinds of edges between them: every round the
server hears the mean of what stations say, and every station hears the server. No weight depends
on which station it is or on how many there are.
"""

from typing import Any

import torch
from stable_baselines3.common.policies import ActorCriticPolicy
from torch import Tensor, nn

from rtwin.deployment.learned.split import Cut

WIDTH, ROUNDS = 64, 2


class StarGraph(nn.Module):
    """Stations around a server.

    Args:
        features: Of a station.
        outputs: Of a station.
        width: Of what nodes know.
        rounds: Of messages.
        cut: Between stations, which encode what they see, and the server, which does the rest;
            None: all of it is in one place.
    """

    def __init__(
        self,
        features: int,
        outputs: int,
        width: int = WIDTH,
        rounds: int = ROUNDS,
        cut: Cut | None = None,
    ) -> None:
        super().__init__()
        self.cut = cut
        self.encode = nn.Sequential(nn.Linear(features, width), nn.Tanh())
        self.report = nn.ModuleList(nn.Linear(2 * width, width) for _ in range(rounds))
        self.answer = nn.ModuleList(nn.Linear(2 * width, width) for _ in range(rounds))
        self.decide = nn.Linear(width, outputs)
        self.width = width

    def forward(self, stations: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs [batch, station, output] and what the server knows [batch, width].

        Args:
            stations: [batch, station, feature].
        """
        encoded = self.encode(stations)
        return self.serve(encoded if self.cut is None else self.cut(encoded))

    def serve(self, station: Tensor) -> tuple[Tensor, Tensor]:
        """The server's part, from what stations have encoded, [batch, station, width]."""
        server = station.mean(dim=1)
        for report, answer in zip(self.report, self.answer, strict=True):
            server = torch.tanh(report(torch.cat([server, station.mean(dim=1)], dim=-1)))
            heard = server[:, None].expand_as(station)
            station = torch.tanh(answer(torch.cat([station, heard], dim=-1)))
        return self.decide(station), server


class _Extractor(nn.Module):
    """What Stable-Baselines3 calls an extractor: one graph for actor and critic each."""

    def __init__(self, features: int, outputs: int, stations: int, cut: Cut | None) -> None:
        super().__init__()
        self.actor = StarGraph(features, outputs, cut=cut)
        self.critic = StarGraph(features, 1, cut=cut)
        self.stations, self.features = stations, features
        self.latent_dim_pi, self.latent_dim_vf = stations * outputs, self.critic.width

    def forward_actor(self, flat: Tensor) -> Tensor:
        wanted, _ = self.actor(flat.reshape(len(flat), self.stations, self.features))
        return wanted.flatten(1)

    def forward_critic(self, flat: Tensor) -> Tensor:
        _, server = self.critic(flat.reshape(len(flat), self.stations, self.features))
        return server

    def forward(self, flat: Tensor) -> tuple[Tensor, Tensor]:
        return self.forward_actor(flat), self.forward_critic(flat)


class StarPolicy(ActorCriticPolicy):
    """Actor and critic of Stable-Baselines3 whose networks are star graphs.

    Args:
        stations: Number of stations that are trained on.
        cut: See StarGraph.
    """

    def __init__(self, *given: Any, stations: int, cut: Cut | None = None, **more: Any) -> None:
        self.stations, self.cut = stations, cut
        super().__init__(*given, **more)

    def _build_mlp_extractor(self) -> None:
        features = self.observation_space.shape[0] // self.stations
        outputs = self.action_space.shape[0] // self.stations
        self.mlp_extractor = _Extractor(features, outputs, self.stations, self.cut).to(self.device)

    def _build(self, lr_schedule: Any) -> None:
        super()._build(lr_schedule)
        # The graph's outputs are the actions' means; what mixes stations would forget that they
        # are alike.
        self.action_net = nn.Identity()
        with torch.no_grad():  # begins indifferent
            self.mlp_extractor.actor.decide.weight.mul_(0.01)
            self.mlp_extractor.actor.decide.bias.zero_()
        self.optimizer = self.optimizer_class(
            self.parameters(), lr=lr_schedule(1), **self.optimizer_kwargs
        )
