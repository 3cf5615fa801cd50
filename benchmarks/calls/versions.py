# SPDX-License-Identifier: MIT
"""Which versions of the peers were measured."""
import pathlib
import re
import subprocess

from harness import machine

PACKAGES = {"libasio-dev": "Asio", "libboost-dev": "Boost", "libcapnp-dev": "KJ", "libglib2.0-dev": "GLib",
            "qtbase5-dev": "Qt", "python3-crochet": "Python's Crochet", "python3-twisted": "Twisted"}


def of_package(name):
    shown = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Version}", name], check=False,
                           capture_output=True, text=True)
    status, _, version = shown.stdout.partition(" ")
    return re.sub(r"^[0-9]+:|[-+~].*", "", version.strip()) if status == "ii" else None


def first_line(*command):
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n")[0]
    except (OSError, subprocess.CalledProcessError):
        return None


def sentence():
    found = [f"libuv {machine.package_version('libuv')}", first_line("g++", "--version") or "no g++"]
    found += [f"{name} {version}" for package, name in PACKAGES.items() if (version := of_package(package))]
    lock = (pathlib.Path(__file__).parent / "tokio/Cargo.lock").read_text(encoding="utf-8")
    if tokio := re.search(r'name = "tokio"\nversion = "([^"]+)"', lock):
        found.append(f"tokio {tokio[1]} ({first_line('rustc', '--version') or 'no rustc'})")
    found += [line for line in (first_line("go", "version"), first_line("/usr/bin/python3", "--version")) if line]
    return ", ".join(found)
