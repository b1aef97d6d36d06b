"""Saved models and optimizers pass between Corten and PyTorch, and resume where they stopped."""

import io
import pickle

import pytest

import corten
from corten.nn.parameter import Parameter

torch = pytest.importorskip("torch")


class Net(corten.nn.Module):
    """A model of one's own, for files that hold whole modules."""

    def __init__(self):
        super().__init__()
        self.layer = corten.nn.Linear(2, 3)
        self.table = corten.nn.Buffer(corten.arange(3))
        self.hidden = corten.nn.ReLU()

    def forward(self, x):
        return self.hidden(self.layer(x))


def network(lib):
    nn = lib.nn
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4), nn.PReLU(), nn.Flatten(), nn.Linear(16, 3), nn.Dropout(0.5)
    )


def adam(lib, model):
    optimizer = lib.optim.Adam(model.parameters(), lr=0.02)
    return optimizer, lib.optim.lr_scheduler.MultiStepLR(optimizer, [2, 4])


def train(lib, model, optimizer, scheduler, steps=3):
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (model(lib.ones(2, 1, 4, 4).cumsum(3)) ** 2).mean()
        loss.backward()
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    return losses


def through(save, load, obj):
    file = io.BytesIO()
    save(obj, file)
    file.seek(0)
    return load(file)


@pytest.mark.parametrize(("first", "then"), [(corten, torch), (torch, corten), (corten, corten)])
def test_training_resumes(first, then):
    """The checkpoint of one library continues in the other with the losses that the first has without a break."""
    states = []
    for lib in (first, then):
        lib.manual_seed(0)
        model = network(lib)
        model[5].eval()
        states.append((lib, model, *adam(lib, model)))
    train(*states[0])
    checkpoint = {
        kind: x.state_dict() for kind, x in zip(("model", "optimizer", "scheduler"), states[0][1:], strict=True)
    }
    read = through(first.save, then.load, checkpoint)
    assert list(read["model"]) == list(checkpoint["model"])
    assert read["model"]._metadata == checkpoint["model"]._metadata
    for part, state in zip(states[1][1:], read.values(), strict=True):
        part.load_state_dict(state)
    assert train(*states[1]) == pytest.approx(train(*states[0]), rel=1e-4)


@pytest.mark.parametrize(("first", "then"), [(corten, torch), (torch, corten), (corten, corten)])
def test_parameters(first, then):
    weight = first.nn.Parameter(first.ones(2, 2))
    frozen = first.nn.Parameter(first.zeros(2), requires_grad=False)
    weight.scale = 2.5
    got = through(
        first.save, then.load, {"weight": weight, "frozen": frozen, "again": weight, "view": weight.detach()[1]}
    )
    assert all(type(got[name]) is then.nn.Parameter for name in ("weight", "frozen"))
    assert (got["weight"].requires_grad, got["frozen"].requires_grad) == (True, False)
    assert got["weight"] is got["again"]
    assert got["weight"].scale == 2.5
    got["view"][0] = 7
    assert got["weight"].tolist() == [[1, 1], [7, 1]]


def test_whole_modules():
    corten.manual_seed(0)
    net, x = Net().eval(), corten.randn(4, 2)
    with pytest.raises(pickle.UnpicklingError, match=r"refused: the file wants to use .*test_saving.Net, which is not"):
        through(corten.save, corten.load, net)
    got = through(corten.save, lambda f: corten.load(f, weights_only=False), net)
    assert type(got) is Net
    assert not got.training
    assert corten.equal(got(x), net(x))
    assert type(got.layer.weight) is Parameter
    assert dict(got.named_buffers())["table"].tolist() == [0, 1, 2]
    with corten.serialization.safe_globals([Net, corten.nn.Linear, corten.nn.ReLU]):
        assert corten.equal(through(corten.save, corten.load, net)(x), net(x))


def test_whole_modules_of_pytorch():
    theirs = network(torch).eval()
    with pytest.raises(pickle.UnpicklingError, match="refused: the file wants to use torch.nn.modules.container.Seq"):
        through(torch.save, corten.load, theirs)
    ours = through(torch.save, lambda f: corten.load(f, weights_only=False), theirs)
    assert type(ours) is corten.nn.Sequential
    x = torch.linspace(0, 1, 32).view(2, 1, 4, 4)
    theirs_flat = theirs(x).flatten().tolist()
    assert ours(corten.from_numpy(x.numpy())).flatten().tolist() == pytest.approx(theirs_flat, abs=1e-6)
    ours.train()
    seen = []
    ours[0].register_forward_hook(lambda *parts: seen.append(parts))
    ours(corten.zeros(2, 1, 4, 4)).sum().backward()
    assert len(seen) == 1
    assert ours[0].weight.grad is not None
