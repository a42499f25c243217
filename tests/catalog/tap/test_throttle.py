import asyncio
import threading
from collections.abc import Coroutine
from contextlib import ExitStack

import pytest

from catalog.tap.errors import BusyError
from catalog.tap.throttle import Throttle
from tests.waiting import LAST_LIMIT_S, wait_until


async def hold(throttle: Throttle, address: str, entered: list[str], until: asyncio.Event) -> None:
    async with throttle.slot(address):
        entered.append(address)
        await until.wait()


async def together(*waits: Coroutine[object, object, None]) -> list[asyncio.Task[None]]:
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    await asyncio.sleep(0)
    return tasks


def test_one_address_leaves_slots_to_the_others() -> None:
    async def story() -> list[str]:
        throttle, entered, end = Throttle(3, 10, slots_each=2), list[str](), asyncio.Event()
        tasks = await together(*(hold(throttle, address, entered, end) for address in "aaaabcb"))
        first = entered.copy()
        end.set()
        await asyncio.gather(*tasks)
        return [*first, "|", *entered[len(first) :]]

    assert asyncio.run(story()) == ["a", "a", "b", "|", "a", "a", "c", "b"]


def test_a_long_line_of_one_address_is_refused_and_others_may_still_wait() -> None:
    async def story() -> None:
        throttle, end = Throttle(1, 3, max_waiting_each=2), asyncio.Event()
        tasks = await together(*(hold(throttle, "a", [], end) for _ in range(3)))
        with pytest.raises(BusyError, match=r"^2 queries of your address are waiting already"):
            await hold(throttle, "a", [], end)
        tasks += await together(hold(throttle, "b", [], end))
        with pytest.raises(BusyError, match=r"^3 queries are waiting already"):
            await hold(throttle, "c", [], end)
        end.set()
        await asyncio.gather(*tasks)

    asyncio.run(story())


def test_who_waits_too_long_is_refused_and_leaves_the_line() -> None:
    async def story() -> None:
        throttle, end = Throttle(1, 1, seconds=0.05), asyncio.Event()
        tasks = await together(hold(throttle, "a", [], end))
        for _ in range(2):
            with pytest.raises(BusyError, match=r"^no query could be begun for 0\.05 s: try again later$"):
                await hold(throttle, "b", [], end)
        end.set()
        await asyncio.gather(*tasks)
        await hold(throttle, "b", [], end)

    asyncio.run(story())


def test_who_leaves_as_its_turn_comes_gives_the_slot_back() -> None:
    async def story() -> None:
        throttle, end = Throttle(1, 2), asyncio.Event()
        first, second = await together(hold(throttle, "a", [], end), hold(throttle, "b", [], end))
        end.set()
        await first
        second.cancel()
        await asyncio.wait([second])
        async with asyncio.timeout(LAST_LIMIT_S):
            await hold(throttle, "c", [], end)

    asyncio.run(story())


def test_an_address_gets_as_many_slots_as_it_may_and_is_told_at_once_that_there_is_none() -> None:
    throttle = Throttle(None, slots_each=2)
    with throttle.slot_if_free("a") as first, throttle.slot_if_free("a") as second:
        with throttle.slot_if_free("a") as third, throttle.slot_if_free("b") as other:
            assert (first, second, third, other) == (True, True, False, True)
        with throttle.slot_if_free("a") as still_none:
            assert not still_none
    with throttle.slot_if_free("a") as again:
        assert again


def test_all_addresses_of_one_network_of_ipv6_count_as_one_client() -> None:
    throttle = Throttle(None, slots_each=1)
    addresses = {
        "2001:db8:1:2::1": True,
        "2001:db8:1:2:ffff::9": False,
        "2001:db8:1:3::1": True,
        "fe80::1%eth0": True,
        "::ffff:10.0.0.1": True,
        "10.0.0.1": False,
    }
    with ExitStack() as held:
        given = {address: held.enter_context(throttle.slot_if_free(address)) for address in addresses}
    assert given == addresses


def test_a_thread_and_the_event_loop_wait_in_one_line() -> None:
    throttle, entered = Throttle(1, 2), list[str]()

    def in_thread() -> None:
        with throttle.slot_in_thread("thread"):
            entered.append("thread")

    async def story() -> None:
        end = asyncio.Event()
        tasks = await together(hold(throttle, "first", entered, end))
        thread = threading.Thread(target=in_thread)
        thread.start()
        await asyncio.to_thread(wait_until, lambda: len(throttle._line) == 1)
        tasks += await together(hold(throttle, "last", entered, end))
        end.set()
        await asyncio.gather(*tasks)
        await asyncio.to_thread(thread.join)

    asyncio.run(story())
    assert entered == ["first", "thread", "last"]


def test_no_slot_is_lost_or_made_by_many_threads_that_come_and_give_up() -> None:
    throttle, most, lock = Throttle(3, 100, slots_each=2, seconds=0.002), [0, 0], threading.Lock()

    def come(address: str) -> None:
        for _ in range(200):
            try:
                with throttle.slot_in_thread(address):
                    with lock:
                        most[0] += 1
                        most[1] = max(most)
                    with lock:
                        most[0] -= 1
            except BusyError:
                pass

    threads = [threading.Thread(target=come, args=address) for address in "aaabbbc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == 0
    assert most[1] <= 3
    with throttle.slot_if_free() as one, throttle.slot_if_free() as two, throttle.slot_if_free("x") as three:
        assert (one, two, three) == (True, True, True)
