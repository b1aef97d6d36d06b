"""Memory of training steps: what the system is asked for, beside what PyTorch asks for."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="page faults and peak memory are counted otherwise")

PROGRAM = """
import gc, importlib, resource, sys

torch = importlib.import_module(sys.argv[1])
nn = torch.nn
torch.manual_seed(0)
torch.set_num_threads(1)


def perceptron():
    return nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 10)), torch.rand(128, 64)


def convolutions():
    layers = [nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3)]
    return nn.Sequential(*layers, nn.ReLU(), nn.Flatten(), nn.LazyLinear(10)), torch.rand(32, 3, 32, 32)


class Last(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.head = nn.LSTM(32, 64, batch_first=True), nn.Linear(64, 10)

    def forward(self, x):
        return self.head(self.layer(x)[0][:, -1])


def recurrent():
    return Last(), torch.rand(32, 20, 32)


def attention():
    layer = nn.TransformerEncoderLayer(64, 4, 256, dropout=0.0, batch_first=True)
    return nn.Sequential(layer, nn.Flatten(), nn.Linear(64 * 64, 10)), torch.rand(8, 64, 64)


def residual(side=224):
    from benchmarks.cases.resnet import ResNet18

    return ResNet18(torch), torch.rand(2, 3, side, side)


def small_residual():
    return residual(64)


def used():
    return resource.getrusage(resource.RUSAGE_SELF)


model, x = globals()[sys.argv[2]]()
model(x)
loss, y = nn.CrossEntropyLoss(), torch.randint(0, 10, (len(x),))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
before = used().ru_maxrss
faults = []
for _ in range(int(sys.argv[3])):
    start = used().ru_minflt
    optimizer.zero_grad()
    loss(model(x), y).backward()
    optimizer.step()
    faults.append(used().ru_minflt - start)
gc.collect()
print(used().ru_maxrss - before, *faults)
"""


def run(lib: str, network: str, steps: int) -> list[int]:
    """Return the growth of peak memory in KiB, and the page faults of each step."""
    command = [sys.executable, "-c", PROGRAM, lib, network, str(steps)]
    ended = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    return [int(number) for number in ended.stdout.split()]


@pytest.mark.parametrize("network", ["perceptron", "convolutions", "recurrent", "attention", "small_residual"])
def test_steps_ask_the_system_for_no_memory(network):
    _, *faults = run("corten", network, 25)
    # The interpreter's own heap grows by a page now and then; a block of the allocator that is not kept is many.
    assert sum(faults[10:]) <= 2, faults


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs PyTorch")
@pytest.mark.parametrize("network", ["convolutions", "residual"])
def test_peak_is_not_above_pytorchs(network):
    assert run("corten", network, 4)[0] <= run("torch", network, 4)[0]
