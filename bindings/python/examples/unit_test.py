# SPDX-License-Identifier: MIT
"""Unit tests of functions that are made to run on the loop: `__wrapped__` is the function itself, to be called without a
loop; and a Deferred that the test settles stands for the network."""
import threading
import unittest
from typing import Callable

from crochet_uv import Deferred, EventualResult, TimeoutError, run_in_loop, setup, shutdown, wait_for

Fetch = Callable[[str], Deferred[str]]


# [tested]
@run_in_loop
def title_of(page: str) -> str:
    begin, end = page.find("<title>"), page.find("</title>")
    if begin < 0 or end < 0:
        raise ValueError("a page without a title")
    return page[begin + len("<title>") : end]


@wait_for(timeout=0.05)
async def get_title(fetch: Fetch, url: str) -> str:
    return await title_of(await fetch(url))
# [end tested]


# [alone]
class WithoutALoop(unittest.TestCase):
    def test_finds_the_title(self) -> None:
        self.assertEqual(title_of.__wrapped__("<title>Crochet</title>"), "Crochet")

    def test_refuses_a_page_without_one(self) -> None:
        with self.assertRaises(ValueError):
            title_of.__wrapped__("nothing")
# [end alone]


# [faked]
class WithAFakedNetwork(unittest.TestCase):
    def setUp(self) -> None:
        setup()
        self.addCleanup(shutdown)
        self.asked: list[str] = []
        self.given_up = threading.Event()
        self.page: Deferred[str] = Deferred(canceller=lambda _: self.given_up.set())

    def fetch(self, url: str) -> Deferred[str]:
        self.asked.append(url)
        return self.page

    def test_asks_the_network_and_waits(self) -> None:
        title: EventualResult[str] = run_in_loop(get_title.__wrapped__)(self.fetch, "http://example/")
        self.page.resolve("<title>Faked</title>")
        self.assertEqual(title.wait(timeout=30), "Faked")
        self.assertEqual(self.asked, ["http://example/"])

    def test_gives_up_and_cancels_when_the_network_is_silent(self) -> None:
        with self.assertRaises(TimeoutError):
            get_title(self.fetch, "http://example/")
        self.assertTrue(self.given_up.wait(30))  # who fetches is told, on the loop's thread
# [end faked]


if __name__ == "__main__":
    unittest.main()
