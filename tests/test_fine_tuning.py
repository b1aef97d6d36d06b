"""Networks whose first layers stay as they are: freezing, a new classifier, statistics that do not drift."""

import pytest

import corten


def test_only_the_new_classifier_is_trained():
    corten.manual_seed(0)
    model = corten.nn.models.resnet18()
    for p in model.parameters():
        p.requires_grad = False
    model.fc = corten.nn.Linear(model.fc.in_features, 3)
    before = {name: x.clone() for name, x in model.state_dict().items()}
    optimizer = corten.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1, momentum=0.9)
    x, y = corten.rand(4, 3, 32, 32), corten.tensor([0, 1, 2, 1])
    model.eval()
    losses = []
    for _ in range(4):
        optimizer.zero_grad()
        loss = corten.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    changed = [name for name, x in model.state_dict().items() if not corten.equal(x, before[name])]
    assert changed == ["fc.weight", "fc.bias"]
    assert [name for name, p in model.named_parameters() if p.grad is not None] == changed
    assert corten.equal(model(x), model(x))
    # In training the statistics do move, although nothing is trained.
    model.train()(x)
    moved = [name for name, x in model.state_dict().items() if not corten.equal(x, before[name])]
    assert set(moved) == {*changed, *(name for name in before if "running_" in name or "num_batches" in name)}


@pytest.mark.parametrize("switch", ["requires_grad", "requires_grad_", "no_grad", "detach"])
def test_ways_to_freeze_give_pytorchs_losses(switch):
    torch = pytest.importorskip("torch")

    def losses(lib):
        lib.manual_seed(0)
        nn = lib.nn
        body = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten())
        model = nn.Sequential(body, nn.Linear(16, 5))
        body(lib.rand(8, 1, 6, 6))
        body.eval()
        if switch == "requires_grad":
            for p in body.parameters():
                p.requires_grad = False
        elif switch == "requires_grad_":
            body.requires_grad_(False)
        model[1] = nn.Linear(16, 3)
        optimizer = lib.optim.Adam(filter(lambda p: p.requires_grad, model[1].parameters()), lr=0.02)
        x, y = lib.rand(6, 1, 6, 6), lib.randint(0, 3, (6,))
        seen = []
        for _ in range(10):
            if switch == "no_grad":
                with lib.no_grad():
                    features = body(x)
            else:
                features = body(x).detach() if switch == "detach" else body(x)
            loss = nn.functional.cross_entropy(model[1](features), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.append(loss.item())
        assert all(p.grad is None for p in body.parameters())
        return seen, body[1].running_mean.tolist(), int(body[1].num_batches_tracked)

    ours, theirs = losses(corten), losses(torch)
    assert ours[0] == pytest.approx(theirs[0], rel=1e-5)
    assert ours[1] == pytest.approx(theirs[1], rel=1e-5)
    assert ours[2] == theirs[2] == 1
