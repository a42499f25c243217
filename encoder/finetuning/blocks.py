"""The blocks of a backbone, from which the part to tune is taken."""

from timm.models import group_parameters
from torch import nn

from encoder.errors import TaskError
from encoder.model.encoder import Encoder


def blocks(encoder: Encoder) -> list[list[nn.Parameter]]:
    """The parameters of each block of its backbone, first to last, as `TuningSettings.depth` counts them.

    Raises:
        TaskError: timm does not say which blocks the backbone has.
    """
    backbone = encoder._network.backbone  # noqa: SLF001 - its parts are counted
    matcher = getattr(backbone, "group_matcher", None)
    if matcher is None:
        raise TaskError(
            f"backbone {encoder.backbone} cannot be tuned by blocks: timm does not group its layers"
        )
    parameters = dict(backbone.named_parameters())
    groups = group_parameters(backbone, matcher(coarse=False))
    return [[parameters[name] for name in names] for names in groups.values()]
