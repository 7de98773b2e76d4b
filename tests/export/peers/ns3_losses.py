"""In ns-3's environment: what its models make of a loss table and of a fading trace.

ns3_losses.py READER.cc LOSS.csv FADING.fad RESOURCE_BLOCKS SAMPLES OUTPUT.json
READER.cc is the function of docs/export.md that reads a loss table in ns-3.
"""

import csv
import json
import sys
from pathlib import Path

from ns import ns

ns.cppyy.cppdef(r"""
#include "ns3/matrix-array.h"
#include "ns3/trace-fading-loss-model.h"
#include "ns3/constant-position-mobility-model.h"
#include "ns3/lte-spectrum-value-helper.h"
#include "ns3/spectrum-signal-parameters.h"
#include "ns3/single-model-spectrum-channel.h"
#include "ns3/node-container.h"
#include "ns3/propagation-loss-model.h"
#include "ns3/simulator.h"
#include "ns3/string.h"
#include "ns3/double.h"
#include "ns3/uinteger.h"
#include "ns3/nstime.h"
using namespace ns3;

std::vector<std::vector<double>>
RtwinFading(std::string file, int blocks, int samples)
{
    // A window of all but one sample leaves no choice of where it starts.
    auto model = CreateObject<TraceFadingLossModel>();
    model->SetAttribute("TraceFilename", StringValue(file));
    model->SetAttribute("TraceLength", TimeValue(MilliSeconds(samples)));
    model->SetAttribute("SamplesNum", UintegerValue(samples));
    model->SetAttribute("WindowSize", TimeValue(MilliSeconds(samples - 1)));
    model->SetAttribute("RbNum", UintegerValue(blocks));
    model->Initialize();
    auto a = CreateObject<ConstantPositionMobilityModel>();
    auto b = CreateObject<ConstantPositionMobilityModel>();
    std::vector<int> active;
    for (int i = 0; i < blocks; i++) active.push_back(i);
    std::vector<std::vector<double>> found;
    for (int ms = 0; ms < samples - 1; ms++) {
        Simulator::Schedule(MilliSeconds(ms), [&, ms]() {
            auto psd = LteSpectrumValueHelper::CreateTxPowerSpectralDensity(
                100, blocks, 30.0, active);
            auto params = Create<SpectrumSignalParameters>();
            params->psd = psd;
            auto rx = model->CalcRxPowerSpectralDensity(params, a, b);
            std::vector<double> row;
            for (int i = 0; i < blocks; i++)
                row.push_back(10 * std::log10((*rx)[i] / (*psd)[i]));
            found.push_back(row);
        });
    }
    Simulator::Run();
    Simulator::Destroy();
    return found;
}
""")


WATCH = r"""
std::vector<std::vector<double>>
RtwinLosses(std::string file, int numNodes, std::vector<double> times)
{
    NodeContainer nodes;
    nodes.Create(numNodes);
    for (int i = 0; i < numNodes; i++)
        nodes.Get(i)->AggregateObject(CreateObject<ConstantPositionMobilityModel>());
    auto model = CreateObject<MatrixPropagationLossModel>();
    ReadLosses(file, nodes, model);
    std::vector<std::vector<double>> found;
    for (double time : times)
        Simulator::Schedule(Seconds(time) + NanoSeconds(1), [&, time]() {
            for (int i = 0; i < numNodes; i++)
                for (int j = 0; j < numNodes; j++) {
                    if (i == j) continue;
                    auto a = nodes.Get(i)->GetObject<MobilityModel>();
                    auto b = nodes.Get(j)->GetObject<MobilityModel>();
                    found.push_back({time, double(i), double(j), model->CalcRxPower(30.0, a, b)});
                }
        });
    Simulator::Run();
    Simulator::Destroy();
    return found;
}
"""


def losses(reader, file):
    with open(file, newline="") as handle:
        rows = list(csv.DictReader(handle))
    ns.cppyy.cppdef(Path(reader).read_text() + WATCH)
    num_nodes = 1 + max(int(row["rx"]) for row in rows)
    times = sorted({float(row["time_s"]) for row in rows})
    found = ns.cppyy.gbl.RtwinLosses(file, num_nodes, times)
    pairs = {(int(row["tx"]), int(row["rx"])) for row in rows}
    return [
        [float(v) for v in row]
        for row in found
        if (row[1], row[2]) in pairs or (row[2], row[1]) in pairs
    ]


def main(reader, loss, fad, blocks, samples, output):
    fading = ns.cppyy.gbl.RtwinFading(fad, int(blocks), int(samples))
    found = {
        "rx_power": losses(reader, loss),
        "fading": [[float(value) for value in row] for row in fading],
    }
    with open(output, "w") as file:
        json.dump(found, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
