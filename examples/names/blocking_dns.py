# SPDX-License-Identifier: MIT
"""A blocking look-up of names that gives up when its time is over: what socket.getaddrinfo() can't.

blocking_dns.py [-t SECONDS] NAME...      exit code 0: all of them were found
"""
import argparse
import socket
import sys

from crochet_uv import Address, EventualResult, LookupFailed, TimeoutError, getaddrinfo, setup, wait_for

parser = argparse.ArgumentParser()
parser.add_argument("-t", metavar="SECONDS", type=float, default=5.0)
parser.add_argument("names", metavar="NAME", nargs="+")
arguments = parser.parse_args()
setup()


# [resolve]
@wait_for(timeout=arguments.t)
def resolve(name: str) -> EventualResult[list[Address]]:
    return getaddrinfo(name, family=socket.AF_INET, type=socket.SOCK_STREAM)
# [end resolve]


# [report]
def report(name: str) -> bool:
    try:
        for found in resolve(name):
            print(f"{name}: {found.address}")
        return True
    except TimeoutError:  # nobody said anything; the look-up was cancelled
        print(f"{name}: no answer in time", flush=True)
    except LookupFailed as error:  # somebody said no
        print(f"{name}: {error.name}: {error}")
    return False
# [end report]


sys.exit(0 if all([report(name) for name in arguments.names]) else 1)
