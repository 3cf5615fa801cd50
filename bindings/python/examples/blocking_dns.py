# SPDX-License-Identifier: MIT
"""Looks a name up, and gives up after a while: what socket.getaddrinfo() can't."""
import sys

from crochet_uv import Address, EventualResult, LookupFailed, TimeoutError, getaddrinfo, setup, wait_for

setup()


@wait_for(timeout=5.0)
def resolve(name: str) -> EventualResult[list[Address]]:
    return getaddrinfo(name, 80, type=1)


name = sys.argv[1] if len(sys.argv) > 1 else "localhost"
try:
    for found in resolve(name):
        print(found.address)
except TimeoutError:
    sys.exit(f"{name}: no answer in time")
except LookupFailed as error:
    sys.exit(f"{name}: {error}")
