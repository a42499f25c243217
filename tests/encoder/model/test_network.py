import pytest
import torch
from torch import nn

from encoder.errors import WeightsError
from encoder.model.network import (
    Network,
    adapt_channels,
    concentrations,
    fold_batch_norm,
    keep_depthwise_float32,
)


@pytest.mark.parametrize("backbone", ["efficientnet_b0", "efficientnet_lite0", "tf_efficientnet_lite0"])
def test_a_backbone_by_name_gives_a_vector_and_34_alphas_in_range(backbone: str) -> None:
    network = _network(backbone)
    with torch.inference_mode():
        prediction = network(_pictures(3))
    assert network.dimension == 1280
    assert prediction.embedding.shape == (3, 1280)
    assert prediction.alpha.shape == (3, 34)
    assert float(prediction.alpha.min()) >= 1
    assert float(prediction.alpha.max()) <= 101


def test_a_family_that_widens_after_pooling_has_its_true_width() -> None:
    network = _network("mobilenetv3_small_050")
    with torch.inference_mode():
        assert network(_pictures(1)).embedding.shape == (1, network.dimension)


def test_an_unknown_backbone_is_an_error_of_one_line() -> None:
    with pytest.raises(WeightsError, match="timm has no backbone called 'galaxynet'"):
        _network("galaxynet")


def test_alpha_is_a_hundred_sigmoids_plus_one() -> None:
    output = torch.tensor([-1e4, -2.0, 0.0, 3.0, 1e4])
    expected = [1.0, 100 / (1 + 2.718281828459045**2) + 1, 51.0, 100 / (1 + 2.718281828459045**-3) + 1, 101.0]
    torch.testing.assert_close(concentrations(output), torch.tensor(expected))


def test_the_normalisation_is_part_of_the_network() -> None:
    network = _network("efficientnet_lite0")
    by_hand = (_pictures(2) * 255 - 127) / 128
    with torch.inference_mode():
        expected = network.backbone(by_hand)
        torch.testing.assert_close(network(_pictures(2)).embedding, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("backbone", ["efficientnet_b0", "tf_efficientnet_lite0", "convnext_atto"])
def test_folding_changes_no_vector(backbone: str) -> None:
    network = _with_random_statistics(_network(backbone))
    quick = fold_batch_norm(network, 64)
    with torch.inference_mode():
        expected = network(_pictures(4)).embedding
        torch.testing.assert_close(
            quick(_pictures(4)).embedding, expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max())
        )
    has_norms = any(isinstance(m, nn.BatchNorm2d) for m in quick.modules())
    assert not has_norms


def test_a_backbone_that_does_not_run_in_listed_order_stays_unfolded() -> None:
    network = _network("tf_efficientnet_lite0")
    network.backbone = _NormBeforeConvolution()
    network.head = nn.Linear(4, 34)
    with torch.inference_mode():
        expected = network.eval()(_pictures(2)).embedding
        torch.testing.assert_close(fold_batch_norm(network, 64)(_pictures(2)).embedding, expected)


def test_depthwise_layers_stay_float32_under_autocast_on_a_cpu() -> None:
    network = _network("tf_efficientnet_lite0")
    keep_depthwise_float32(network)
    kinds: dict[bool, set[torch.dtype]] = {True: set(), False: set()}
    for module in network.backbone.modules():
        if isinstance(module, nn.Conv2d):
            seen = kinds[module.groups > 1]
            module.register_forward_hook(lambda _module, _input, out, seen=seen: seen.add(out.dtype))
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        network(_pictures(1))
    assert kinds == {True: {torch.float32}, False: {torch.bfloat16}}


@pytest.mark.parametrize("backbone", ["tf_efficientnet_lite0", "convnext_atto", "resnet18"])
def test_a_grey_network_with_summed_colours_sees_a_grey_picture_as_the_colour_network_does(
    backbone: str,
) -> None:
    colour = _network(backbone)
    grey = Network(backbone, 34, 127 / 255, 128 / 255, channels=1).eval()
    grey.backbone.load_state_dict(adapt_channels(colour.backbone.state_dict(), grey))
    grey.head.load_state_dict(colour.head.state_dict())
    assert next(iter(grey.backbone.state_dict().values())).shape[1] == 1
    pictures = _pictures(2)
    luma = (pictures * torch.tensor([0.2989, 0.587, 0.114]).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
    with torch.inference_mode():
        expected = colour(luma.expand(-1, 3, -1, -1)).embedding
        torch.testing.assert_close(grey(pictures).embedding, expected, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(
            fold_batch_norm(grey, 64)(pictures).embedding, expected, rtol=1e-3, atol=1e-3
        )


def test_weights_of_grey_pictures_make_no_colour_network() -> None:
    grey = Network("resnet18", 34, 0, 1, channels=1)
    with pytest.raises(WeightsError, match="the weights see 1 channel, grey; the network 3"):
        adapt_channels(grey.backbone.state_dict(), _network("resnet18"))


class _NormBeforeConvolution(nn.Module):
    """Listed as convolution, norm; run as norm, convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 3, 1)
        self.norm = nn.BatchNorm2d(3)
        self.norm.running_mean = torch.tensor([0.5, 0.2, 0.1])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.pad(self.convolution(self.norm(x)).mean(dim=(2, 3)), (0, 1))


def _network(backbone: str) -> Network:
    torch.manual_seed(0)
    return Network(backbone, 34, 127 / 255, 128 / 255).eval()


def _with_random_statistics(network: Network) -> Network:
    generator = torch.Generator().manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d) and module.running_mean is not None:
            module.running_mean.copy_(torch.randn(module.running_mean.shape, generator=generator) * 0.1)
            module.running_var = torch.rand(module.running_mean.shape, generator=generator) + 0.5
    return network


def _pictures(n: int) -> torch.Tensor:
    return torch.rand(n, 3, 64, 64, generator=torch.Generator().manual_seed(n))
