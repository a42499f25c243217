"""What a wall of galaxies shows."""

import re

import httpx


def read_wall(answer: httpx.Response) -> list[int]:
    """The object_ids of the wall, in their order."""
    return [int(one) for one in re.findall(r'<li class="card[^"]*" data-id="(\d+)"', answer.text)]
