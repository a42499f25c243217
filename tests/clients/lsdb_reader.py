"""Run by a Python that has LSDB: opens an exported collection and says as JSON what it finds there.

Arguments: the collection's folder or URL, an object_id, a radius in arcsec.
"""

import json
import sys

import lsdb
import numpy as np


def main(place: str, object_id: int, radius_arcsec: float) -> dict[str, object]:
    """Counts, a cone, a cross-match of the catalogue with itself moved a little, and a search by vector."""
    sky = lsdb.open_catalog(place, columns=["object_id", "ra", "dec", "mag_r", "search"])
    whole = sky.compute()
    own = whole[whole["object_id"] == object_id].iloc[0]
    cone = sky.cone_search(float(own["ra"]), float(own["dec"]), 3600 * 10).compute()
    moved = whole[["object_id", "ra", "dec"]].copy()
    moved["dec"] = np.clip(moved["dec"] + radius_arcsec / 2 / 3600, -90, 90)
    other = lsdb.from_dataframe(moved, ra_column="ra", dec_column="dec", catalog_name="moved")
    pairs = other.crossmatch(sky, radius_arcsec=radius_arcsec, suffixes=("_moved", "_sky")).compute()
    vectors = np.stack([np.asarray(vector, np.float32) for vector in whole["search"]])
    away = np.linalg.norm(vectors - np.asarray(own["search"], np.float32), axis=1)
    nearest = whole["object_id"].to_numpy()[np.argsort(away, kind="stable")[:10]]
    return {
        "n": len(whole),
        "ids": sorted(int(one) for one in whole["object_id"]),
        "cone": sorted(int(one) for one in cone["object_id"]),
        "pairs": int((pairs["object_id_moved"] == pairs["object_id_sky"]).sum()),
        "n_pairs": len(pairs),
        "nearest": [int(one) for one in nearest],
    }


if __name__ == "__main__":
    json.dump(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])), sys.stdout)
