"""In ns-3's environment: what its models make of a loss table and of a fading trace.

ns3_losses.py LOSS.csv FADING.fad RESOURCE_BLOCKS SAMPLES OUTPUT.json
"""

import csv
import json
import sys

from ns import ns

ns.cppyy.cppdef(r"""
#include "ns3/matrix-array.h"
#include "ns3/trace-fading-loss-model.h"
#include "ns3/constant-position-mobility-model.h"
#include "ns3/lte-spectrum-value-helper.h"
#include "ns3/spectrum-signal-parameters.h"
#include "ns3/single-model-spectrum-channel.h"
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


def losses(file, power_dbm):
    with open(file, newline="") as handle:
        rows = list(csv.DictReader(handle))
    nodes, model, found = {}, ns.CreateObject[ns.MatrixPropagationLossModel](), []
    for row in rows:
        ends = []
        for end in ("tx", "rx"):
            if row[end] not in nodes:
                nodes[row[end]] = ns.CreateObject[ns.ConstantPositionMobilityModel]()
            ends.append(nodes[row[end]])
        model.SetLoss(*ends, float(row["loss_db"]), True)
        there, back = (model.CalcRxPower(power_dbm, *pair) for pair in (ends, ends[::-1]))
        found.append([float(row["time_s"]), int(row["tx"]), int(row["rx"]), there, back])
    return found


def main(loss, fad, blocks, samples, output):
    fading = ns.cppyy.gbl.RtwinFading(fad, int(blocks), int(samples))
    found = {
        "rx_power": losses(loss, 30.0),
        "fading": [[float(value) for value in row] for row in fading],
    }
    with open(output, "w") as file:
        json.dump(found, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
