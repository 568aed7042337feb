"""The head of cycle-WGAN's released code, against a plain loop with autograd."""

import torch
from torch.nn import functional

from gzsl.heads import ReluSoftmaxHead
from gzsl.heads.softmax import shuffled_batches

N, D, C = 40, 5, 4


def test_the_head_takes_the_steps_of_a_plain_loop():
    rng = torch.Generator().manual_seed(0)
    X, y = torch.randn(N, D, generator=rng, dtype=torch.float64), torch.arange(N) % C
    head = ReluSoftmaxHead(n_epochs=0, batch_size=16)
    start = head.fit(X, y, C, rng=torch.Generator().manual_seed(1))
    assert start["bias"].eq(0.9999).all()
    assert start["weight"].abs().max() <= 0.02 and start["weight"].std() > 0.005
    weight, bias = start["weight"].clone().requires_grad_(), start["bias"].clone().requires_grad_()
    mine = ReluSoftmaxHead(n_epochs=3, batch_size=16, lr=0.1, lr_decay=0.5, weight_decay=0.3)
    found = mine.descend(X, y, start["weight"], start["bias"], torch.Generator().manual_seed(2))

    optimiser = torch.optim.Adam([weight, bias], lr=0.1, betas=(0.9, 0.999))
    batches = list(shuffled_batches(3, 16, N, torch.Generator().manual_seed(2), X.device))
    for i, rows in enumerate(batches):
        optimiser.param_groups[0]["lr"] = 0.1 / (1 + 0.5 * (i // 3))
        loss = functional.cross_entropy(functional.linear(X[rows], weight, bias).relu(), y[rows])
        optimiser.zero_grad()
        (loss + 0.3 * weight.square().sum() / 2).backward()
        optimiser.step()
    torch.testing.assert_close(found["weight"], weight.detach(), rtol=0, atol=1e-10)
    torch.testing.assert_close(found["bias"], bias.detach(), rtol=0, atol=1e-10)
    expected = functional.linear(X, weight, bias).relu().log_softmax(1)
    torch.testing.assert_close(mine.scores(found, X), expected.detach(), rtol=0, atol=1e-9)
