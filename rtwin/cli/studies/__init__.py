"""Commands of `rtwin experiment`: one for each study, which writes tables and pictures."""

from rtwin.cli.studies import deployment, federated, networks, streaming
from rtwin.cli.terminal import command_group

app = command_group("Studies on twins: each writes its tables and pictures to a folder.")
for command in (
    networks.slicing,
    networks.ahead,
    networks.caching,
    federated.traffic,
    federated.poisoning,
    federated.trust,
    federated.privacy,
    federated.sites,
    federated.networks,
    streaming.streaming,
    streaming.viewport,
    streaming.userdata,
    deployment.deployment,
    deployment.quality,
    deployment.tiles,
):
    app.command()(command)
