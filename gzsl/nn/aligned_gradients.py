"""Losses of two aligned variational autoencoders and their gradients, written out by hand: no graph."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gzsl.nn.gradients import two_layer_gradients, two_layer_pass, two_layers
from gzsl.nn.latent import kl_to_standard_normal
from gzsl.nn.mlp import MLP

SMALLEST = 1e-12


@dataclass(frozen=True)
class AlignedAutoencoders:
    """Encoders of features and of class vectors to codes, and decoders of codes to either.

    All have two layers, ReLU between them and a linear output.

    Attributes
    ----------
    encode_x, encode_a : MLP
        (n, d) and (n, a) to mean and log-variance of a code, side by side, (n, 2z).
    decode_x, decode_a : MLP
        Codes (n, z) to features and to class vectors.
    """

    encode_x: MLP
    encode_a: MLP
    decode_x: MLP
    decode_a: MLP

    @torch.no_grad()
    def gradients(
        self, x: Tensor, a: Tensor, noise: Tensor, *, power: float, divergence: float, cross: float, alignment: float
    ) -> dict[str, Tensor]:
        """Overwrite the gradients of all parameters with those of the weighted sum of the losses.

        Both codes of a row are decoded in one pass of each decoder.

        Parameters
        ----------
        x, a : Tensor, shapes (n, d) and (n, a)
            Features and class vectors.
        noise : Tensor, shape (2n, z) or (2n, 1)
            Of the codes of features, then of those of class vectors.
        power : float
            Codes are ``mean + noise * exp(power * logvar)``; 0.5 makes them Gaussian.
        divergence, cross, alignment : float
            Weights of three of the losses; that of the reconstruction is 1.

        Returns
        -------
        dict of str to Tensor
            0-d ``reconstruction`` and ``cross`` (absolute errors of what is decoded from the code of the same and of
            the other kind), ``divergence`` from N(0, 1) and ``alignment`` (2-Wasserstein distance of the two
            Gaussians), all summed over rows and dimensions and without their weights.
        """
        hidden_x, of_x = two_layer_pass(self.encode_x, x)
        hidden_a, of_a = two_layer_pass(self.encode_a, a)
        mean, logvar = torch.cat([of_x, of_a]).chunk(2, dim=1)
        spread = noise * (power * logvar).exp()
        errors, pull = self._decoded(x, a, mean + spread, cross)
        kl = kl_to_standard_normal(mean, logvar).sum()
        distance, pulls = _aligned(mean, logvar, alignment)
        pulls[0].add_(pull).add_(mean, alpha=divergence)
        pulls[1].addcmul_(pull, spread, value=power).add_(logvar.exp().sub_(1), alpha=0.5 * divergence)
        for net, rows, hidden, part in zip(
            (self.encode_x, self.encode_a), (x, a), (hidden_x, hidden_a), torch.cat(pulls, 1).chunk(2), strict=True
        ):
            two_layer_gradients(net, rows, hidden, part)
        return {**errors, "divergence": kl, "alignment": distance}

    def _decoded(self, x: Tensor, a: Tensor, codes: Tensor, cross: float) -> tuple[dict[str, Tensor], Tensor]:
        """Errors of both decoders, whose gradients are written, and the gradient of the codes, (2n, z)."""
        n, own, other = len(x), torch.zeros((), device=x.device), torch.zeros((), device=x.device)
        pull = torch.zeros_like(codes)
        for net, rows, first in ((self.decode_x, x, 0), (self.decode_a, a, 1)):
            hidden, found = two_layer_pass(net, codes)
            away = found.view(2, n, -1).sub_(rows)
            sums = away.abs().sum(dim=(1, 2))
            own, other = own + sums[first], other + sums[1 - first]
            found.sign_().view(2, n, -1)[1 - first].mul_(cross)
            pull.addmm_(two_layer_gradients(net, codes, hidden, found), two_layers(net)[0].weight)
        return {"reconstruction": own, "cross": other}, pull


def _aligned(mean: Tensor, logvar: Tensor, weight: float) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Summed distance of the Gaussians of the two halves, and its weighted gradients for ``mean`` and ``logvar``."""
    n, z = len(mean) // 2, mean.shape[1]
    deviation = (0.5 * logvar).exp()
    both = torch.cat([mean, deviation], dim=1)
    gap = both[:n] - both[n:]
    squares = gap.square().sum(dim=1, keepdim=True)
    distance = squares.clamp_min(SMALLEST).sqrt()
    gap = gap * (weight / distance) * (squares >= SMALLEST)
    pull = torch.cat([gap, -gap])
    return distance.sum(), (pull[:, :z], 0.5 * deviation * pull[:, z:])
