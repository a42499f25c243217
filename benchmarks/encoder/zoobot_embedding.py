"""Zoobot's own path from a table of JPEGs to a table of representations; run by its interpreter, not ours."""

import json
import sys
import time
from pathlib import Path

import pandas as pd
import timm
import torch
from torchvision.transforms import InterpolationMode, v2
from zoobot.pytorch.predictions import predict_on_catalog
from zoobot.pytorch.training import representations


class _Encoder(representations.ZoobotEncoder):  # type: ignore[misc]
    """As it is, for batches as Zoobot's own data module makes them."""

    def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        features: torch.Tensor = super().forward(batch["image"])
        return features


def main(
    backbone: str, folder: Path, side: int, size: int, batch_size: int, workers: int, threads: int
) -> None:
    """Write zoobot.csv and print the seconds that `predict_on_catalog` takes, without model and imports."""
    torch.set_num_threads(threads)
    encoder = timm.create_model(backbone, num_classes=0)
    encoder.load_state_dict(torch.load(folder / "timm.pth"))
    files = sorted((folder / "cutouts").glob("*.jpg"))
    table = pd.DataFrame({"id_str": [file.stem for file in files], "file_loc": [str(file) for file in files]})
    start = time.perf_counter()
    predict_on_catalog.predict(
        table,
        _Encoder(encoder.eval()),
        save_loc=str(folder / "zoobot.csv"),
        label_cols=[f"feature_{i}" for i in range(encoder.num_features)],
        inference_transform=v2.Compose(
            [
                v2.CenterCrop(side),
                v2.Resize(size, interpolation=InterpolationMode.BICUBIC, antialias=True),
                v2.PILToTensor(),
                v2.ToDtype(torch.float32, scale=True),
            ]
        ),
        datamodule_kwargs={
            "batch_size": batch_size,
            "num_workers": workers,
            "prefetch_factor": 4 if workers else None,
        },
        trainer_kwargs={"devices": 1, "accelerator": "cpu", "logger": False, "enable_progress_bar": False},
    )
    print(json.dumps({"seconds": time.perf_counter() - start}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *map(int, sys.argv[3:]))
