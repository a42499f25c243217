"""What one brick's image shows: all of its own area, and of its neighbours what reaches into it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from encoder.simulation.field import Points, Trail, join_points
from encoder.simulation.scene import Scene, draw_scene
from encoder.simulation.tiling import BRICK_PX, Brick
from encoder.simulation.truth import Galaxy, SurveyParameters

_REACH_PX = 450


@dataclass(frozen=True)
class BrickContent:
    """What a brick's image shows, in its pixels; galaxies and points are those near or inside the image.

    Attributes:
        galaxies: The n true galaxies, with all their parameters.
        galaxy_xy: Columns and rows of the galaxies' centres, (n, 2), native pixels from 0.
        galaxy_sky: Right ascension and declination of the galaxies, (n, 2), degrees.
        galaxy_primary: Whether this brick owns them, (n,).
        points: Stars and faint galaxies.
        point_sky: Right ascension and declination of the points, (m, 2), degrees.
        point_primary: Whether this brick owns them, (m,).
        trails: Tracks of satellites across the image.
    """

    galaxies: list[Galaxy]
    galaxy_xy: NDArray[np.float64]
    galaxy_sky: NDArray[np.float64]
    galaxy_primary: NDArray[np.bool_]
    points: Points
    point_sky: NDArray[np.float64]
    point_primary: NDArray[np.bool_]
    trails: list[Trail]

    def listed_rows(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Galaxies and points inside the image, in catalogue order: objid 0, 1, 2 ... counts through both."""
        points_xy = np.stack([self.points.x, self.points.y], axis=1)
        return np.flatnonzero(_within(self.galaxy_xy, 0.5)), np.flatnonzero(_within(points_xy, 0.5))


def brick_content(brick: Brick, n_galaxies: int, seed: int, survey: SurveyParameters) -> BrickContent:
    """Gather what a brick's image shows."""
    neighbours = brick.neighbours()
    scenes = [draw_scene(b, n_galaxies, seed, survey) for b in neighbours]
    own = [b.brickid == brick.brickid for b in neighbours]
    project = brick.wcs().all_world2pix
    sky = np.concatenate([s.positions for s in scenes])
    point_sky = np.concatenate([s.point_positions for s in scenes])
    xy, point_xy = project(sky, 0), project(point_sky, 0)
    near, near_p = (np.flatnonzero(_within(at, _REACH_PX)) for at in (xy, point_xy))
    galaxies = [galaxy for s in scenes for galaxy in s.galaxies]
    points = join_points([s.points for s in scenes])
    return BrickContent(
        [galaxies[i] for i in near],
        xy[near],
        sky[near],
        np.repeat(own, [len(s.galaxies) for s in scenes])[near],
        Points(point_xy[near_p, 0], point_xy[near_p, 1], points.flux[near_p], points.shape[near_p]),
        point_sky[near_p],
        np.repeat(own, [len(s.points.x) for s in scenes])[near_p],
        _trails(scenes, brick),
    )


def _within(xy: NDArray[np.float64], margin: float) -> NDArray[np.bool_]:
    """Whether positions (n, 2) lie in the image or at most `margin` pixels off its outer centres."""
    inside: NDArray[np.bool_] = np.all((xy > -margin) & (xy < BRICK_PX - 1 + margin), axis=1)
    return inside


def _trails(scenes: list[Scene], brick: Brick) -> list[Trail]:
    trails = []
    for scene in scenes:
        if scene.trail is not None:
            x, y = brick.wcs().all_world2pix(scene.trail_position[None, :], 0)[0]
            trails.append(replace(scene.trail, x=float(x), y=float(y)))
    return trails
