"""Batches that run side by side give what they give one after another."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from geoml_cli.dataset.store import Dataset
from geoml_cli.inference.load import open_trained
from geoml_cli.inference.pool import in_order
from geoml_cli.runs.run import Run

THREADS = 3


@pytest.fixture(autouse=True)
def threads():
    before = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    yield
    torch.set_num_threads(before)


def threads_of_a_new_thread() -> int:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(torch.get_num_threads).result()


def test_results_come_in_order_from_threads_of_one_thread_each():
    together = threading.Barrier(THREADS, timeout=60)  # all of them run at once

    def call(number: int) -> tuple[int, int, bool]:
        together.wait()
        return number, torch.get_num_threads(), torch.is_inference_mode_enabled()

    calls = (lambda number=number: call(number) for number in range(2 * THREADS))
    assert list(in_order(calls)) == [(number, 1, True) for number in range(2 * THREADS)]
    assert torch.get_num_threads() == THREADS == threads_of_a_new_thread()


def test_no_more_calls_are_taken_than_are_held():
    taken = []

    def calls():
        for number in range(20):
            taken.append(number)
            yield lambda number=number: number

    for number in in_order(calls()):
        assert len(taken) <= number + THREADS + 1
    assert len(taken) == 20


@pytest.mark.parametrize(("count", "allowed"), [(1, THREADS), (0, THREADS), (4, 1)])
def test_one_call_and_one_thread_need_no_other(count, allowed):
    torch.set_num_threads(allowed)
    calls = ((lambda: (threading.get_ident(), torch.get_num_threads())) for _ in range(count))
    assert list(in_order(calls)) == [(threading.get_ident(), allowed)] * count


def test_the_error_of_a_batch_is_raised_and_later_ones_are_not_begun():
    begun = []

    def call(number: int) -> int:
        begun.append(number)
        if number == 1:
            raise ValueError(f"batch {number} is wrong")
        return number

    found = []
    with pytest.raises(ValueError, match="batch 1 is wrong"):
        found.extend(in_order(lambda number=number: call(number) for number in range(100)))
    assert max(begun) <= 1 + THREADS
    assert torch.get_num_threads() == THREADS == threads_of_a_new_thread()
    assert list(in_order(lambda number=number: number for number in range(5))) == [0, 1, 2, 3, 4]


def test_an_interrupt_waits_for_what_runs_and_begins_nothing():
    begun = []
    results = in_order(lambda number=number: begun.append(number) for number in range(100))
    next(results)
    with pytest.raises(KeyboardInterrupt):
        results.throw(KeyboardInterrupt)
    assert len(begun) <= THREADS + 2
    assert torch.get_num_threads() == THREADS


def test_predictions_are_the_same_bit_for_bit(trained, data_root):
    run = open_trained(Run(trained))
    samples = run.samples(Dataset(data_root / "soc"))
    predictor = run.network_predictor("")
    predictor.ranges = run.ranges("")
    predictor._size = 7
    rows = np.random.default_rng(1).permutation(len(samples))
    together, counts = predictor.each(samples, rows), predictor.ranges.taken()
    torch.set_num_threads(1)
    alone = predictor.each(samples, rows)
    assert torch.equal(together, alone) and len(rows) > 5 * 7
    np.testing.assert_array_equal(predictor.ranges.taken(), counts)
