"""Long graphs, many steps, several threads: autograd needs no deep stack, keeps no memory, and may run at once."""

from __future__ import annotations

import gc
import os
import threading

import pytest

import corten


def test_long_chains_need_no_stack() -> None:
    x = corten.ones(1, requires_grad=True)
    y = x
    for _ in range(1_000_000):
        y = y + 1.0
    y.backward()
    assert x.grad.item() == 1.0
    del y
    y = x
    for _ in range(1_000_000):
        y = y * 1.0
    del y  # freed without having run
    gc.collect()


def resident() -> int:
    """Bytes of memory in use."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="reads Linux's /proc")
def test_nothing_leaks() -> None:
    model = corten.nn.Sequential(corten.nn.Linear(20, 20), corten.nn.ReLU(), corten.nn.Linear(20, 1))
    optimizer = corten.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    x = corten.randn(8, 20)

    def step() -> None:
        h = x.clone()
        h[0] = h[1] * 2  # in-place on a view
        loss = model(h).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        (g,) = corten.autograd.grad(model[0].weight.pow(3).sum(), model[0].weight, create_graph=True)
        g.sum().backward()

    for _ in range(500):
        step()
    gc.collect()
    before = resident()
    for _ in range(10_000):
        step()
    gc.collect()
    assert resident() - before < 8 << 20


def test_threads_run_backward_at_once() -> None:
    x = corten.ones(1000, requires_grad=True)
    failed: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(50):
                own = corten.ones(1000, requires_grad=True)
                (own * 2 + x.detach()).sum().backward()
                assert own.grad.sum().item() == 2000
                (x * 3).sum().backward()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert x.grad.eq(6 * 50 * 3).all()
