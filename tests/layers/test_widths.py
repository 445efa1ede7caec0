"""Batches are as large as the widest operation of a network allows, by its shape alone."""

import pytest
import torch
from torch import nn

from geoml_cli.layers.widths import MOST, rows_at_once

CPU = torch.device("cpu")
BUDGET = 2**21


def rows(network, width, device=CPU):
    return rows_at_once(lambda count: network(torch.zeros(count, width)), device)


@pytest.mark.parametrize("hidden", [2**12, 2**15, 2**18])
def test_the_widest_result_keeps_within_the_budget(hidden):
    network = nn.Sequential(nn.Linear(4, hidden), nn.ReLU(), nn.Linear(hidden, 1))
    assert rows(network, 4) == BUDGET // hidden


def test_narrow_networks_take_the_most_and_the_widest_of_all_one():
    assert rows(nn.Linear(4, 8), 4) == MOST["cpu"]
    assert rows_at_once(lambda count: torch.zeros(count, BUDGET) + torch.zeros(count, 2 * BUDGET + 1)[:, :1], CPU) == 1


def test_weights_do_not_count():
    wide = nn.Parameter(torch.zeros(4096, 4096))
    assert rows_at_once(lambda count: torch.zeros(count, 4096) @ (wide * 2), CPU) == BUDGET // 4096


def test_what_runs_inside_of_a_function_with_its_own_gradient_counts():
    class Doubled(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            inner = x.new_empty(x.shape[0], 2**14)
            inner.numpy()[:] = 2 * x.numpy()
            return inner[:, :1].clone()

    assert rows_at_once(lambda count: Doubled.apply(torch.zeros(count, 1)), CPU) == BUDGET // 2**14


def test_a_card_takes_more_at_a_time():
    network = nn.Linear(4, 2**18)
    assert rows(network, 4, torch.device("cuda", 0)) == 32 * rows(network, 4)
