"""The linear probe of frozen vectors, from which a tuning starts."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from torch import nn

from encoder.heads.probe import classifier


def fit_probe(embedding: NDArray[np.float32], shares: NDArray[np.float32]) -> Pipeline:
    """The linear probe of vectors (n, d); a galaxy counts for each class by its share of the votes."""
    rows, classes = shares.nonzero()
    weight = shares[rows, classes]
    return classifier().fit(
        embedding[rows],
        classes,
        standardscaler__sample_weight=weight,
        logisticregression__sample_weight=weight,
    )


def probe_head(probe: Pipeline, vectors: NDArray[np.float32]) -> nn.Linear:
    """The probe as one linear layer; over the vectors the logits of two classes differ by 1 (rms)."""
    scaler, regression = (step for _, step in probe.steps)
    weight, bias = regression.coef_ / scaler.scale_, regression.intercept_
    bias = bias - weight @ scaler.mean_
    if len(weight) == 1:  # two classes: one logit, of the second
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    logits = vectors @ weight.T
    centred = logits - logits.mean(axis=1, keepdims=True)
    spread = math.sqrt(2 / (len(weight) - 1) * float(centred.var(axis=0).sum()))
    head = nn.Linear(vectors.shape[1], len(weight))
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(weight / max(spread, 1e-6)))
        head.bias.copy_(torch.from_numpy(bias / max(spread, 1e-6)))
    return head
