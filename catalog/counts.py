"""Numbers of things in words: `1 tile`, `2,172 galaxies`."""

_PLURALS = {"galaxy": "galaxies", "person": "people"}


def count_of(n: int, noun: str) -> str:
    """Put a number of things into words, with a comma between thousands.

    Args:
        n: How many there are.
        noun: What one of them is called, such as `tile`.
    """
    return f"{n:,} {noun if n == 1 else _PLURALS.get(noun, noun + 's')}"
