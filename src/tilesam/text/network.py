"""Two small encoders that put phrases and masks into one space.

Radford et al. 2021, "Learning Transferable Visual Models From Natural Language
Supervision"; that each pair is judged by itself, by a sigmoid, is Zhai et al. 2023,
"Sigmoid Loss for Language Image Pre-Training": so a score means the same whichever
other phrases there are, and a phrase can fit no mask at all.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

DIM = 128
"""Length of an embedding."""

VIEW_SIDE = 48
VIEWS = 2
MEASURES = 4
"""Numbers that accompany the views of a mask, see `tilesam.text.views`."""

MOST_WORDS = 24
"""Further words of a phrase are left out; captions have far fewer."""

PADDING = 0
"""Number of no word; words count from 1."""


class TextEncoder(nn.Module):
    """Numbers of words to unit vectors: embeddings and one layer of attention."""

    def __init__(self, words: int, dim: int = DIM) -> None:
        super().__init__()
        self.words = nn.Embedding(words + 1, dim, padding_idx=PADDING)
        self.places = nn.Parameter(0.02 * torch.randn(MOST_WORDS, dim))
        self.mixing = nn.TransformerEncoderLayer(
            *(dim, 4, 2 * dim), dropout=0.1, activation="gelu", batch_first=True
        )
        self.out = nn.Linear(dim, dim)

    def forward(self, numbers: Tensor) -> Tensor:
        """Return (B, D) for (B, T) numbers of words, each with at least one word."""
        is_padding = numbers == PADDING
        tokens = self.words(numbers) + self.places[: numbers.shape[1]]
        mixed = self.mixing(tokens, src_key_padding_mask=is_padding)
        weight = (~is_padding).to(mixed.dtype).unsqueeze(-1)
        mean = (mixed * weight).sum(dim=1) / weight.sum(dim=1)
        return F.normalize(self.out(mean), dim=-1)


class _Block(nn.Module):
    """Halve the sides, then refine with a shortcut."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(channels, out, 3, stride=2, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(out)
        self.refine = nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(out)

    def forward(self, x: Tensor) -> Tensor:
        x = F.gelu(self.norm1(self.down(x)))
        return F.gelu(x + self.norm2(self.refine(x)))


class CropEncoder(nn.Module):
    """Views of a mask to a unit vector: what it shows, and what stands around it."""

    def __init__(self, dim: int = DIM, widths: tuple[int, ...] = (32, 64, 128)) -> None:
        super().__init__()
        sides = (4, *widths)
        self.eyes = nn.ModuleList(
            nn.Sequential(*(_Block(a, b) for a, b in zip(sides, widths, strict=False)))
            for _ in range(VIEWS)
        )
        features = VIEWS * 2 * widths[-1] + MEASURES
        self.out = nn.Sequential(
            nn.Linear(features, 2 * dim), nn.GELU(), nn.Dropout(0.1),
            nn.Linear(2 * dim, dim),
        )  # fmt: skip

    def forward(self, views: Tensor, measures: Tensor) -> Tensor:
        """Return (N, D).

        Parameters
        ----------
        views
            (N, VIEWS, 4, S, S) float in [-1, 1]: RGB, then the mask.
        measures
            (N, MEASURES) float.
        """
        features = [measures]
        for number, eye in enumerate(self.eyes):
            seen = eye(views[:, number])
            features += [seen.mean(dim=(-2, -1)), seen.amax(dim=(-2, -1))]
        return F.normalize(self.out(torch.cat(features, dim=1)), dim=-1)


class TextNetwork(nn.Module):
    """Both encoders, how their likeness becomes a score, and a token for the decoder.

    Parameters
    ----------
    words
        How many words the vocabulary has.
    """

    def __init__(self, words: int) -> None:
        super().__init__()
        self.text = TextEncoder(words)
        self.crops = CropEncoder()
        self.scale = nn.Parameter(torch.tensor(10.0))
        self.bias = nn.Parameter(torch.tensor(-4.0))
        self.to_token = nn.Sequential(
            nn.Linear(DIM, 256), nn.GELU(), nn.Linear(256, 256)
        )

    def logits(self, crops: Tensor, phrases: Tensor) -> Tensor:
        """Return (N, K) for (N, D) masks and (K, D) phrases; 0 is a score of 1/2."""
        return self.scale * crops @ phrases.T + self.bias
