import asyncio
from collections.abc import Coroutine

import pytest

from catalog.tap.errors import BusyError
from catalog.tap.throttle import Gate


async def hold(gate: Gate, address: str, entered: list[str], until: asyncio.Event) -> None:
    async with gate.place(address):
        entered.append(address)
        await until.wait()


async def together(*waits: Coroutine[object, object, None]) -> list[asyncio.Task[None]]:
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    await asyncio.sleep(0)
    return tasks


def test_one_address_leaves_places_to_the_others() -> None:
    async def story() -> list[str]:
        gate, entered, end = Gate(3, 10, places_each=2), list[str](), asyncio.Event()
        tasks = await together(*(hold(gate, address, entered, end) for address in "aaaabcb"))
        first = entered.copy()
        end.set()
        await asyncio.gather(*tasks)
        return [*first, "|", *entered[len(first) :]]

    assert asyncio.run(story()) == ["a", "a", "b", "|", "a", "a", "c", "b"]


def test_a_long_line_of_one_address_is_refused_and_others_may_still_wait() -> None:
    async def story() -> None:
        gate, end = Gate(1, 3, most_waiting_each=2), asyncio.Event()
        tasks = await together(*(hold(gate, "a", [], end) for _ in range(3)))
        with pytest.raises(BusyError, match=r"^2 queries of your address are waiting already"):
            await hold(gate, "a", [], end)
        tasks += await together(hold(gate, "b", [], end))
        with pytest.raises(BusyError, match=r"^3 queries are waiting already"):
            await hold(gate, "c", [], end)
        end.set()
        await asyncio.gather(*tasks)

    asyncio.run(story())


def test_who_waits_too_long_is_refused_and_leaves_the_line() -> None:
    async def story() -> None:
        gate, end = Gate(1, 1, seconds=0.05), asyncio.Event()
        tasks = await together(hold(gate, "a", [], end))
        for _ in range(2):
            with pytest.raises(BusyError, match=r"^no query could be begun for 0\.05 s: try again later$"):
                await hold(gate, "b", [], end)
        end.set()
        await asyncio.gather(*tasks)
        await hold(gate, "b", [], end)

    asyncio.run(story())


def test_who_leaves_as_its_turn_comes_gives_the_place_back() -> None:
    async def story() -> None:
        gate, end = Gate(1, 2), asyncio.Event()
        first, second = await together(hold(gate, "a", [], end), hold(gate, "b", [], end))
        end.set()
        await first
        second.cancel()
        await asyncio.wait([second])
        async with asyncio.timeout(1):
            await hold(gate, "c", [], end)

    asyncio.run(story())
