"""Schedulers against PyTorch's: sequences of learning rates, resuming, messages."""

from __future__ import annotations

import importlib

import pytest

import corten_optim as optim
import corten_tensor_core as core

METRICS = [3.0, 2.0, 2.0, 2.1, 1.9999, 2.0, 1.0, 1.2, 1.1, 1.05, 1.0, 1.0, 1.0, 0.5, 0.6]


def chained(s, o):
    return s.ChainedScheduler([s.ConstantLR(o, 0.1, total_iters=2), s.ExponentialLR(o, 0.9)])


def sequential(s, o):
    return s.SequentialLR(o, [s.LinearLR(o, 0.1, total_iters=3), s.CosineAnnealingLR(o, 6), s.StepLR(o, 2)], [3, 8])


CASES = {
    "StepLR": lambda s, o: s.StepLR(o, 3),
    "StepLR gamma": lambda s, o: s.StepLR(o, step_size=2, gamma=0.5),
    "MultiStepLR": lambda s, o: s.MultiStepLR(o, [2, 5, 5, 9], gamma=0.3),
    "ConstantLR": lambda s, o: s.ConstantLR(o, 0.25, 4),
    "LinearLR": lambda s, o: s.LinearLR(o, 0.2, 0.8, total_iters=6),
    "ExponentialLR": lambda s, o: s.ExponentialLR(o, 0.8),
    "PolynomialLR": lambda s, o: s.PolynomialLR(o, 7, power=2.0),
    "LambdaLR": lambda s, o: s.LambdaLR(o, [lambda e: 0.9**e, lambda e: 1 / (e + 1)]),
    "MultiplicativeLR": lambda s, o: s.MultiplicativeLR(o, lambda e: 0.9 + 0.01 * e),
    "CosineAnnealingLR": lambda s, o: s.CosineAnnealingLR(o, 4, eta_min=0.01),
    "CosineAnnealingWarmRestarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 2, T_mult=2, eta_min=0.01),
    "CyclicLR": lambda s, o: s.CyclicLR(o, 0.01, [0.1, 0.2], step_size_up=3, step_size_down=4),
    "CyclicLR triangular2": lambda s, o: s.CyclicLR(o, 0.01, 0.1, step_size_up=2, mode="triangular2"),
    "CyclicLR exp_range": lambda s, o: s.CyclicLR(o, 0.01, 0.1, step_size_up=2, mode="exp_range", gamma=0.9),
    "CyclicLR scale_fn": lambda s, o: s.CyclicLR(o, 0.01, 0.1, 3, scale_fn=lambda x: 1 / x, cycle_momentum=False),
    "OneCycleLR": lambda s, o: s.OneCycleLR(o, max_lr=[0.5, 0.2], total_steps=60),
    "OneCycleLR linear": lambda s, o: s.OneCycleLR(
        o, 0.5, epochs=12, steps_per_epoch=5, anneal_strategy="linear", three_phase=True, pct_start=0.4
    ),
    "Chained": chained,
    "Sequential": sequential,
}


def optimizer(library, tensors, kind="SGD"):
    groups = [{"params": [tensors.zeros(1)]}, {"params": [tensors.zeros(1)], "lr": 0.3}]
    return library.SGD(groups, lr=0.1, momentum=0.9) if kind == "SGD" else library.Adam(groups, lr=0.1)


def observe(opt, scheduler, steps):
    seen = []
    for _ in range(steps):
        opt.step()
        seen.append([scheduler.get_last_lr(), [g["lr"] for g in opt.param_groups]])
        seen[-1] += [[g.get("momentum"), g.get("betas")] for g in opt.param_groups]
        scheduler.step()
    return seen


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize("name", list(CASES))
def test_sequences(ref, name, kind):
    a, b = optimizer(optim, core, kind), optimizer(ref.optim, ref.torch, kind)
    ours, theirs = CASES[name](optim.lr_scheduler, a), CASES[name](ref.optim.lr_scheduler, b)
    assert observe(a, ours, 50) == observe(b, theirs, 50)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", list(CASES))
def test_state_crosses_over(ref, name):
    a, b = optimizer(optim, core), optimizer(ref.optim, ref.torch)
    ours, theirs = CASES[name](optim.lr_scheduler, a), CASES[name](ref.optim.lr_scheduler, b)
    observe(b, theirs, 5)
    saved = theirs.state_dict()
    if "Cyclic" not in name:
        # PyTorch keeps the bound method of the scale there.
        assert set(ours.state_dict()) == set(saved)
    ours.load_state_dict(saved)
    a.load_state_dict(b.state_dict())
    assert observe(a, ours, 5) == observe(b, theirs, 5)
    # And back, into a fresh one.
    c = optimizer(ref.optim, ref.torch)
    again = CASES[name](ref.optim.lr_scheduler, c)
    again.load_state_dict(ours.state_dict())
    c.load_state_dict(a.state_dict())
    assert observe(c, again, 5) == observe(b, theirs, 5)


SWA = {
    "cos": lambda u, o: u.SWALR(o, 0.05),
    "linear": lambda u, o: u.SWALR(o, [0.05, 0.5], anneal_epochs=4, anneal_strategy="linear"),
    "at once": lambda u, o: u.SWALR(o, swa_lr=0.05, anneal_epochs=0),
}


@pytest.mark.parametrize("name", list(SWA))
def test_averaging_schedule(ref, name):
    a, b = optimizer(optim, core), optimizer(ref.optim, ref.torch)
    ours, theirs = SWA[name](optim.swa_utils, a), SWA[name](ref.optim.swa_utils, b)
    assert observe(a, ours, 6) == observe(b, theirs, 6)
    assert ours.state_dict() == theirs.state_dict()
    ours.load_state_dict(theirs.state_dict())
    assert observe(a, ours, 8) == observe(b, theirs, 8)


def test_unknown_name_in_swa_utils():
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        optim.swa_utils.nonsense  # noqa: B018


@pytest.mark.parametrize(
    "settings",
    [
        {"patience": 1},
        {"mode": "max", "patience": 0, "cooldown": 2},
        {"threshold_mode": "abs", "threshold": 0.2, "patience": 1, "min_lr": [0.05, 0.001]},
        {"factor": 0.5, "patience": 2, "eps": 0.02},
    ],
    ids=str,
)
def test_plateau(ref, settings):
    def run(library, tensors):
        opt = optimizer(library, tensors)
        scheduler = library.lr_scheduler.ReduceLROnPlateau(opt, **settings)
        seen = []
        for metric in METRICS:
            scheduler.step(metric)
            seen.append((scheduler.get_last_lr(), scheduler.num_bad_epochs, scheduler.in_cooldown, scheduler.best))
        return seen, scheduler.state_dict()

    assert run(optim, core) == run(ref.optim, ref.torch)


def test_state_of_plateau_crosses_over(ref):
    a, b = optimizer(optim, core), optimizer(ref.optim, ref.torch)
    ours, theirs = (
        library.lr_scheduler.ReduceLROnPlateau(o, patience=1, cooldown=1) for library, o in ((optim, a), (ref.optim, b))
    )
    for metric in METRICS[:6]:
        ours.step(metric)
        theirs.step(metric)
    saved = ours.state_dict(), theirs.state_dict()
    ours.load_state_dict(saved[1])
    theirs.load_state_dict(saved[0])
    for metric in METRICS[6:]:
        ours.step(metric)
        theirs.step(metric)
        assert (ours.get_last_lr(), ours.num_bad_epochs) == (theirs.get_last_lr(), theirs.num_bad_epochs)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", ["StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR", "PolynomialLR"])
def test_closed_form(ref, name):
    def run(library, tensors):
        opt = optimizer(library, tensors)
        scheduler = CASES[name](library.lr_scheduler, opt)
        scheduler.step(4)
        return scheduler.get_last_lr(), scheduler.last_epoch

    assert run(optim, core) == run(ref.optim, ref.torch)


@pytest.mark.parametrize("epoch", [0.5, 3, 7.25])
def test_warm_restarts_by_epoch(ref, epoch):
    def run(library, tensors):
        opt = optimizer(library, tensors)
        scheduler = library.lr_scheduler.CosineAnnealingWarmRestarts(opt, 2, T_mult=2)
        scheduler.step(epoch)
        return scheduler.get_last_lr(), scheduler.T_cur, scheduler.T_i

    assert run(optim, core) == run(ref.optim, ref.torch)


MISTAKES = {
    "optimizer": lambda s, o: s.StepLR(3, 1),
    "resume": lambda s, o: s.StepLR(o, 1, last_epoch=3),
    "constant": lambda s, o: s.ConstantLR(o, 2.0),
    "linear start": lambda s, o: s.LinearLR(o, 0.0),
    "linear end": lambda s, o: s.LinearLR(o, 0.5, 2.0),
    "lambdas": lambda s, o: s.LambdaLR(o, [abs]),
    "lambda": lambda s, o: s.MultiplicativeLR(o, 3),
    "T_0": lambda s, o: s.CosineAnnealingWarmRestarts(o, 0),
    "T_mult": lambda s, o: s.CosineAnnealingWarmRestarts(o, 1, 0),
    "eta_min": lambda s, o: s.CosineAnnealingWarmRestarts(o, 1, eta_min="x"),
    "negative epoch": lambda s, o: s.CosineAnnealingWarmRestarts(o, 1).step(-1),
    "plateau factor": lambda s, o: s.ReduceLROnPlateau(o, factor=1.0),
    "plateau mode": lambda s, o: s.ReduceLROnPlateau(o, "middle"),
    "plateau threshold": lambda s, o: s.ReduceLROnPlateau(o, threshold_mode="x"),
    "plateau min_lr": lambda s, o: s.ReduceLROnPlateau(o, min_lr=[0.1]),
    "cyclic mode": lambda s, o: s.CyclicLR(o, 0.1, 0.2, mode="x"),
    "cyclic lengths": lambda s, o: s.CyclicLR(o, [0.1], 0.2),
    "one cycle steps": lambda s, o: s.OneCycleLR(o, 0.1),
    "one cycle total": lambda s, o: s.OneCycleLR(o, 0.1, total_steps=0),
    "one cycle epochs": lambda s, o: s.OneCycleLR(o, 0.1, epochs=-1, steps_per_epoch=2),
    "one cycle pct": lambda s, o: s.OneCycleLR(o, 0.1, total_steps=5, pct_start=2.0),
    "one cycle strategy": lambda s, o: s.OneCycleLR(o, 0.1, total_steps=5, anneal_strategy="x"),
    "one cycle end": lambda s, o: observe(o, s.OneCycleLR(o, 0.1, total_steps=3), 9),
    "sequential none": lambda s, o: s.SequentialLR(o, [], []),
    "sequential milestones": lambda s, o: s.SequentialLR(o, [s.StepLR(o, 1)], [1, 2]),
    "sequential plateau": lambda s, o: s.SequentialLR(o, [s.ReduceLROnPlateau(o)], []),
    "sequential kind": lambda s, o: s.SequentialLR(o, [3], []),
    "swa strategy": lambda s, o: _swa(s).SWALR(o, 0.1, anneal_strategy="x"),
    "swa epochs": lambda s, o: _swa(s).SWALR(o, 0.1, anneal_epochs=-1),
    "chained none": lambda s, o: s.ChainedScheduler([]),
    "chained plateau": lambda s, o: s.ChainedScheduler([s.ReduceLROnPlateau(o)]),
}


def _swa(schedulers):
    return optim.swa_utils if schedulers is optim.lr_scheduler else importlib.import_module("torch.optim.swa_utils")


@pytest.mark.parametrize("name", list(MISTAKES))
def test_mistakes(ref, name):
    outcomes = []
    for library, tensors in ((optim, core), (ref.optim, ref.torch)):
        with pytest.raises((TypeError, ValueError, KeyError)) as caught:
            MISTAKES[name](library.lr_scheduler, optimizer(library, tensors))
        outcomes.append((caught.type, str(caught.value)))
    assert outcomes[0] == outcomes[1]


def test_stepping_before_the_optimizer_warns():
    scheduler = optim.lr_scheduler.StepLR(optimizer(optim, core), 1)
    with pytest.warns(UserWarning, match=r"Detected call of `lr_scheduler.step\(\)` before `optimizer.step\(\)`"):
        scheduler.step()


def test_asking_for_the_learning_rate_warns():
    scheduler = optim.lr_scheduler.StepLR(optimizer(optim, core), 1)
    with pytest.warns(UserWarning, match="please use `get_last_lr"):
        scheduler.get_lr()


def test_tensor_learning_rate_is_changed_in_place():
    lr = core.tensor(0.5)
    opt = optim.SGD([core.zeros(1)], lr=lr)
    scheduler = optim.lr_scheduler.ExponentialLR(opt, 0.5)
    opt.step()
    scheduler.step()
    assert lr.item() == 0.25
    assert opt.param_groups[0]["lr"] is lr


def test_own_schedule():
    class Half(optim.lr_scheduler.LRScheduler):
        def get_lr(self):
            return [base / (self.last_epoch + 1) for base in self.base_lrs]

    opt = optimizer(optim, core)
    scheduler = Half(opt)
    opt.step()
    scheduler.step()
    assert scheduler.get_last_lr() == [0.05, 0.15]
