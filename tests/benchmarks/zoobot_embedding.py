"""Zoobot's own path from a table of JPEGs to a table of representations; run by its interpreter, not ours."""

import json
import sys
import time
from pathlib import Path

import pandas as pd
import timm
import torch
from zoobot.pytorch.predictions import predict_on_catalog
from zoobot.pytorch.training import representations


def main(backbone: str, folder: Path, size: int, batch_size: int, workers: int, threads: int) -> None:
    """Print the seconds that `predict_on_catalog` takes, model and imports not counted."""
    torch.set_num_threads(threads)
    encoder = timm.create_model(backbone, num_classes=0)
    encoder.load_state_dict(torch.load(folder / "timm.pth"))
    files = sorted((folder / "cutouts").glob("*.jpg"))
    table = pd.DataFrame({"id_str": [file.stem for file in files], "file_loc": [str(file) for file in files]})
    start = time.perf_counter()
    predict_on_catalog.predict(
        table,
        representations.ZoobotEncoder(encoder.eval()),
        n_samples=1,
        label_cols=[f"feature_{i}" for i in range(encoder.num_features)],
        save_loc=str(folder / "zoobot.hdf5"),
        datamodule_kwargs={"batch_size": batch_size, "resize_after_crop": size, "num_workers": workers},
        trainer_kwargs={"devices": 1, "accelerator": "cpu", "logger": False, "enable_progress_bar": False},
    )
    print(json.dumps({"seconds": time.perf_counter() - start}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *map(int, sys.argv[3:]))
