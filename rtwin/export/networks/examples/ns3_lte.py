"""An LTE downlink in ns-3 on the losses of a ray-traced twin.

    pip install ns3==3.44.post0
    python lte.py

reads nodes.csv, places.csv and losses.csv beside it, attaches every user to its strongest
cell at the start, loads all resource blocks, and writes users.csv: RSRP and SINR as ns-3's
UEs report them, averaged over the run, and bytes that arrived.
"""

import csv
import sys
from pathlib import Path

from ns import ns

RESOURCE_BLOCKS = 25
FOLDER = Path(__file__).parent

ns.cppyy.cppdef(r"""
#include "ns3/lte-module.h"
#include "ns3/mobility-module.h"
#include "ns3/network-module.h"
#include "ns3/propagation-module.h"
#include "ns3/spectrum-module.h"
using namespace ns3;

struct Heard { double rsrp_dbm = 0, sinr_db = 0; long reports = 0; double bytes = 0; };

struct Downlink
{
    NodeContainer nodes;
    Ptr<LteHelper> lte = CreateObject<LteHelper>();
    NetDeviceContainer cells, users;
    int numCells;
    std::vector<Heard> heard;
    Ptr<MatrixPropagationLossModel> down, up;

    Downlink(int numNodes, int numCells, int blocks) : numCells(numCells), heard(numNodes)
    {
        nodes.Create(numNodes);
        for (int n = 0; n < numNodes; n++)
            nodes.Get(n)->AggregateObject(CreateObject<ConstantPositionMobilityModel>());
        lte->SetPathlossModelType(MatrixPropagationLossModel::GetTypeId());
        lte->SetSchedulerType("ns3::RrFfMacScheduler");
        lte->SetEnbDeviceAttribute("DlBandwidth", UintegerValue(blocks));
        lte->SetEnbDeviceAttribute("UlBandwidth", UintegerValue(blocks));
    }
    // Two nodes at one place are one to ns-3, and it would not ask the matrix.
    void Place(double time, int node, double x, double y, double z)
    {
        auto mobility = nodes.Get(node)->GetObject<MobilityModel>();
        auto move = [=]() { mobility->SetPosition(Vector(x, y, z)); };
        if (time == 0) move(); else Simulator::Schedule(Seconds(time), move);
    }
    void Install(std::vector<double> power_dbm)
    {
        NodeContainer masts, phones;
        for (int n = 0; n < (int)nodes.GetN(); n++)
            (n < numCells ? masts : phones).Add(nodes.Get(n));
        cells = lte->InstallEnbDevice(masts);
        users = lte->InstallUeDevice(phones);
        for (int n = 0; n < numCells; n++)
            DynamicCast<LteEnbNetDevice>(cells.Get(n))->GetPhy()->SetTxPower(power_dbm[n]);
        auto matrix = [](Ptr<SpectrumChannel> channel) {
            return DynamicCast<MatrixPropagationLossModel>(channel->GetPropagationLossModel());
        };
        down = matrix(lte->GetDownlinkSpectrumChannel());
        up = matrix(lte->GetUplinkSpectrumChannel());
        down->SetDefaultLoss(400);
        up->SetDefaultLoss(400);
    }
    void Loss(double time, int cell, int user, double loss_db)
    {
        auto set = [=]() {
            auto a = nodes.Get(cell)->GetObject<MobilityModel>();
            auto b = nodes.Get(user)->GetObject<MobilityModel>();
            down->SetLoss(a, b, loss_db, true);
            up->SetLoss(a, b, loss_db, true);
        };
        if (time == 0) set(); else Simulator::Schedule(Seconds(time), set);
    }
    void Run(std::vector<int> serving, double seconds)
    {
        for (int u = 0; u < (int)users.GetN(); u++) {
            lte->Attach(users.Get(u), cells.Get(serving[u]));
            auto phy = DynamicCast<LteUeNetDevice>(users.Get(u))->GetPhy();
            auto report = [](Heard* own, uint16_t, uint16_t, double rsrp, double sinr, uint8_t) {
                own->rsrp_dbm += 30 + 10 * std::log10(rsrp);
                own->sinr_db += 10 * std::log10(sinr);
                own->reports++;
            };
            auto arrive = [](Heard* own, PhyReceptionStatParameters sent) {
                if (sent.m_correctness) own->bytes += sent.m_size;
            };
            Heard* own = &heard[numCells + u];
            phy->TraceConnectWithoutContext("ReportCurrentCellRsrpSinr",
                Callback<void, uint16_t, uint16_t, double, double, uint8_t>(
                    [=](uint16_t a, uint16_t b, double c, double d, uint8_t e) {
                        report(own, a, b, c, d, e); }));
            phy->GetDlSpectrumPhy()->TraceConnectWithoutContext("DlPhyReception",
                Callback<void, PhyReceptionStatParameters>(
                    [=](PhyReceptionStatParameters sent) { arrive(own, sent); }));
        }
        lte->ActivateDataRadioBearer(users, EpsBearer(EpsBearer::NGBR_VIDEO_TCP_DEFAULT));
        Simulator::Stop(Seconds(seconds));
        Simulator::Run();
        Simulator::Destroy();
    }
};
""")


def table(name):
    with open(FOLDER / name, newline="") as file:
        return list(csv.DictReader(file))


def main(seconds="0.3"):
    nodes, losses = table("nodes.csv"), table("losses.csv")
    num_cells = sum(node["kind"] == "tx" for node in nodes)
    network = ns.cppyy.gbl.Downlink(len(nodes), num_cells, RESOURCE_BLOCKS)
    for row in table("places.csv"):
        place = (float(row[axis]) for axis in ("x_m", "y_m", "z_m"))
        network.Place(float(row["time_s"]), int(row["node"]), *place)
    network.Install([float(node["power_dbm"]) for node in nodes[:num_cells]])
    start = min(float(row["time_s"]) for row in losses)
    received = {}
    for row in losses:
        cell, user, loss = int(row["tx"]), int(row["rx"]), float(row["loss_db"])
        network.Loss(float(row["time_s"]) - start, cell, user, min(loss, 400.0))
        if float(row["time_s"]) == start:
            received[user, cell] = float(nodes[cell]["power_dbm"]) - loss
    serving = [
        max(range(num_cells), key=lambda cell: received[user, cell])
        for user in range(num_cells, len(nodes))
    ]
    network.Run(serving, float(seconds))
    with open(FOLDER / "users.csv", "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(("node", "name", "serving", "rsrp_dbm", "sinr_db", "received_bytes"))
        for user, cell in enumerate(serving, start=num_cells):
            own = network.heard[user]
            count = max(own.reports, 1)
            mean = [f"{total / count:.4f}" for total in (own.rsrp_dbm, own.sinr_db)]
            out.writerow((user, nodes[user]["name"], nodes[cell]["name"], *mean, int(own.bytes)))
    sys.stdout.write((FOLDER / "users.csv").read_text())


if __name__ == "__main__":
    main(*sys.argv[1:])
