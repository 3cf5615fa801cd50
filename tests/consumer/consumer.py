#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Builds and runs a user's program against an installed crochet.

    consumer.py pkg-config|static|cmake|subproject PREFIX_OR_BUILD VERSION

PREFIX_OR_BUILD is an installed prefix, used where it lies; or a build folder, which is then installed below a temporary
folder and moved from there to another, so that whatever remembers a path shows. Exit code 77: a tool is missing.
"""
import glob
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CC = os.environ.get("CC", "cc").split()
C99 = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror"]


def run(args, **kwargs):
    print("+", " ".join(str(arg) for arg in args), flush=True)
    return subprocess.run([str(arg) for arg in args], check=True, **kwargs)


def ask(args, env):
    words = run(args, env=env, stdout=subprocess.PIPE, encoding="utf-8").stdout.split()
    print(" ", " ".join(words), flush=True)
    return words


def need(tool):
    if not shutil.which(tool):
        print(f"{tool} is missing")
        sys.exit(77)


def installed(where, scratch):
    """The prefix to use: `where` itself, or `where` installed and moved."""
    if not (where / "build.ninja").is_file():
        return where
    stage = scratch / "stage"
    run(["meson", "install", "--no-rebuild", "--quiet", "-C", where], env={**os.environ, "DESTDIR": str(stage)})
    pc_file = one(stage / "**" / "crochet.pc")
    prefix = next(line for line in pc_file.read_text().splitlines() if line.startswith("prefix="))[len("prefix="):]
    moved = scratch / "moved here"
    shutil.move(str(stage) + prefix, str(moved))
    shutil.rmtree(stage)
    return moved


def one(pattern):
    found = glob.glob(str(pattern), recursive=True)
    if len(found) != 1:
        sys.exit(f"want one {pattern}, found {found}")
    return pathlib.Path(found[0])


def check(program, libdir=None):
    env = dict(os.environ)
    if libdir:
        env["LD_LIBRARY_PATH"] = str(libdir)
    needed = run(["readelf", "-d", program], stdout=subprocess.PIPE, encoding="utf-8").stdout
    if ("libcrochet.so.0" in needed) != bool(libdir):
        sys.exit(f"{program} is linked with the wrong one of the two libraries")
    run([program], env=env, timeout=60)


def with_pkg_config(prefix, version, scratch, static):
    need("pkg-config")
    pc_file = one(prefix / "**" / "crochet.pc")
    # Moved, the file is told its new prefix. Paths with spaces come back escaped: a link has none.
    link = scratch / "prefix"
    link.symlink_to(prefix)
    env = {**os.environ, "PKG_CONFIG_PATH": str(pc_file.parent)}
    tool = ["pkg-config", f"--define-variable=prefix={link}"]
    if ask(tool + ["--modversion", "crochet"], env) != [version]:
        sys.exit("the pkg-config file has another version than the header")
    cflags = ask(tool + ["--cflags", "crochet"], env)
    if cflags != [f"-I{link}/include"]:
        sys.exit("--cflags leaks something private")
    libs = ask(tool + ["--libs", "crochet"], env)
    libdir = link / pc_file.parent.parent.relative_to(prefix)
    if libs != [f"-L{libdir}", "-lcrochet"]:
        sys.exit("--libs leaks something private")
    program = scratch / "consumer"
    if static:
        cflags = ask(tool + ["--static", "--cflags", "crochet"], env)
        if [flag for flag in cflags if flag.startswith("-D")]:
            sys.exit("--static --cflags leaks something private")
        libs = ask(tool + ["--static", "--libs", "crochet"], env)
        libs = [str(libdir / "libcrochet.a") if lib == "-lcrochet" else lib for lib in libs]
    run(CC + C99 + cflags + [HERE / "consumer.c", "-o", program] + libs)
    check(program, None if static else libdir)


def with_cmake(prefix, version, scratch):
    need("cmake")
    build = scratch / "build"
    config = one(prefix / "**" / "crochet-config.cmake")
    define = [f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCMAKE_C_COMPILER={CC[0]}", "-DCMAKE_C_FLAGS=" + " ".join(CC[1:] + C99)]
    run(["cmake", "-S", HERE, "-B", build, f"-DWANT_VERSION={version}"] + define, stdout=subprocess.DEVNULL)
    run(["cmake", "--build", build], stdout=subprocess.DEVNULL)
    libdir = config.parents[2]
    check(build / "shared", libdir)
    check(build / "static")
    newer = ".".join([version.split(".")[0], "9999"])
    refused = subprocess.run(["cmake", "-S", HERE, "-B", scratch / "refused", f"-DWANT_VERSION={newer}"] + define,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")
    if refused.returncode == 0 or "compatible" not in refused.stdout:
        sys.exit(f"a find_package for version {newer} was not refused")


def as_subproject(scratch):
    """A meson project that has crochet below it: neither tests nor examples come along."""
    need("ninja")
    project = scratch / "project"
    (project / "subprojects").mkdir(parents=True)
    shutil.copy(HERE / "consumer.c", project)
    ignore = shutil.ignore_patterns("build", ".git", "__pycache__")
    shutil.copytree(ROOT, project / "subprojects" / "crochet", ignore=ignore)
    (project / "meson.build").write_text(
        "project('host', 'c', default_options: ['c_std=c99'])\n"
        "executable('consumer', 'consumer.c', dependencies: dependency('crochet', fallback: 'crochet'))\n")
    build = scratch / "build"
    run(["meson", "setup", "--wrap-mode=forcefallback", build, project], stdout=subprocess.DEVNULL)
    names = run(["ninja", "-C", build, "-t", "targets", "all"], stdout=subprocess.PIPE, encoding="utf-8").stdout
    if "crochet/tests" in names or "crochet/examples" in names:
        sys.exit("a subproject builds tests or examples")
    run(["ninja", "-C", build, "consumer"], stdout=subprocess.DEVNULL)
    run([build / "consumer"], timeout=60)


def main():
    way, where, version = sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), sys.argv[3]
    with tempfile.TemporaryDirectory(prefix="crochet-consumer-") as folder:
        scratch = pathlib.Path(folder)
        if way == "subproject":
            as_subproject(scratch)
            return
        prefix = installed(where, scratch)
        if way == "cmake":
            with_cmake(prefix, version, scratch)
        else:
            with_pkg_config(prefix, version, scratch, way == "static")


if __name__ == "__main__":
    main()
