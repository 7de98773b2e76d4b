"""ByzFL's rules on NumPy arrays: byzfl_rules.py UPDATES.npy FAKES OUT.npz.

ByzFL imports PyTorch wherever it is loaded, and needs none for arrays of NumPy: it is
loaded without its trainers, with a `torch` that no array is an instance of.
"""

import importlib
import importlib.metadata
import sys
import types
from pathlib import Path

import numpy as np

file = next(f for f in importlib.metadata.files("byzfl") if str(f) == "byzfl/__init__.py")
folder = Path(file.locate()).parent
torch = types.ModuleType("torch")
torch.Tensor = type("Tensor", (), {})
torch.linalg = types.ModuleType("torch.linalg")
sys.modules |= {"torch": torch, "torch.linalg": torch.linalg}
for name in ("byzfl", "byzfl.aggregators", "byzfl.utils"):
    package = types.ModuleType(name)
    package.__path__ = [str(folder.parent / name.replace(".", "/"))]
    sys.modules[name] = package
rules = importlib.import_module("byzfl.aggregators.aggregators")

updates, fakes = np.load(sys.argv[1]), int(sys.argv[2])
found = {
    "mean": rules.Average()(updates),
    "median": rules.Median()(updates),
    "trimmed": rules.TrMean(f=fakes)(updates),
    "krum": rules.Krum(f=fakes)(updates),
    "multi_krum": rules.MultiKrum(f=fakes)(updates),
    "geometric_median": rules.GeometricMedian(nu=1e-9, T=2000)(updates),
}
np.savez(sys.argv[3], **found)
