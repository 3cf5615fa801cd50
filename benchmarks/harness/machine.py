# SPDX-License-Identifier: MIT
"""Where it was measured: what a reader needs to judge the figures."""
import os
import pathlib
import platform
import subprocess
import time


def cpu_model():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def package_version(name):
    shown = subprocess.run(["pkg-config", "--modversion", name], check=False, capture_output=True, text=True)
    return shown.stdout.strip()


def facts():
    return {
        "date": time.strftime("%Y-%m-%d"),
        "cpu": cpu_model(),
        "cpus": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "clock": pathlib.Path("/sys/devices/system/clocksource/clocksource0/current_clocksource").read_text().strip(),
        "libuv": package_version("libuv"),
    }


def sentence(result):
    """facts() of a result, its rounds and the load meanwhile."""
    loads = [load for one in result["rounds"] for load in one["load"]]
    scale = "quick" if result["quick"] else "full"
    return (f"{result['date']}, {len(result['rounds'])} rounds, {scale}. {result['cpu']}, {result['cpus']} CPUs, "
            f"Linux {result['kernel']}, clock {result['clock']}. Load of the machine meanwhile: "
            f"{min(loads):.1f} to {max(loads):.1f}.")


def environment():
    """Ours, without what would change a peer."""
    return {name: value for name, value in os.environ.items() if name != "CROCHET_LOG"}
