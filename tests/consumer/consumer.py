#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Builds and runs users' programs against an installed crochet.

    consumer.py WAY|all PREFIX_OR_BUILD VERSION [gcc|clang]

    shared        pkg-config, the shared library; every dialect of C and C++ under gcc and clang
    static        pkg-config --static: the archive in a program, and in nothing else of it
    fully-static  the archive, libuv's and the C library's in one program
    cmake         find_package: shared and static in a project of C alone; a newer version is refused
    meson         dependency() in a meson project
    subproject    the same, with crochet below it
    dlopen        hosts that load libcrochet.so.0 by its name, in every dialect
    plugin        a plugin with the library below it or in it, in a host that knows nothing of it

PREFIX_OR_BUILD is an installed prefix, used where it lies; or a build folder, which is then installed below a temporary
folder and moved from there to another, so that whatever remembers a path shows. With a compiler's name only that one
builds programs. Each program is one test; the last line
says "N passed, M failed[, K skipped]". Exit code 77: a tool is missing, and nothing ran.
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
WARNINGS = ["-pedantic", "-Wall", "-Wextra", "-Werror"]
C = ["c99", "c11", "c17", "c2x"]
CPP = ["c++17", "c++20", "c++2b"]
FAMILIES = {"gcc": (["gcc"], ["g++"]), "clang": (["clang", "clang-14"], ["clang++", "clang++-14"])}

# What is built with the shared library: source, language, dialects, further arguments.
SHARED = [
    ("consumer.c", "c", C, []),
    ("consumer.cpp", "c++", CPP, []),
    ("consumer.cpp", "c++", ["c++17"], ["-stdlib=libc++"]),
    ("consumer_coro.cpp", "c++", ["c++20", "c++2b"], []),
    ("consumer_coro.cpp", "c++", ["c++20"], ["-stdlib=libc++"]),
    ("consumer.c", "c++", ["c++17"], ["-fno-exceptions", "-fno-rtti"]),
]
STATIC = [
    ("consumer.c", "c", ["c99"], []),
    ("consumer.cpp", "c++", ["c++17"], []),
]
# With no library.
DLOPEN = [
    ("consumer_dlopen.c", "c", C, []),
    ("consumer_dlopen.c", "c++", CPP, []),
]


class Missing(Exception):
    """A tool, or what a compiler would have to know."""


def run(args, **kwargs):
    print("+", " ".join(str(arg) for arg in args), flush=True)
    return subprocess.run([str(arg) for arg in args], check=True, **kwargs)


def ask(args, env):
    words = run(args, env=env, stdout=subprocess.PIPE, encoding="utf-8").stdout.split()
    print(" ", " ".join(words), flush=True)
    return words


def need(*names):
    for name in names:
        if shutil.which(name):
            return name
    raise Missing(f"{' or '.join(names)} is missing")


def expect(holds, otherwise):
    if not holds:
        raise AssertionError(otherwise)


def one(pattern):
    found = glob.glob(str(pattern), recursive=True)
    expect(len(found) == 1, f"want one {pattern}, found {found}")
    return pathlib.Path(found[0])


class Installed:
    """A prefix, and what pkg-config says of it."""

    def __init__(self, where, version, scratch):
        self.version = version
        self.build = where if (where / "build.ninja").is_file() else None
        self.prefix = self.moved(scratch) if self.build else where
        pc_file = one(self.prefix / "**" / "crochet.pc")
        self.libdir = pc_file.parent.parent
        self.cmake = one(self.prefix / "**" / "crochet-config.cmake")
        self.visible = self.prefix
        if self.build:
            # The file is told its new prefix. Paths with spaces come back escaped: a link has none.
            self.visible = scratch / "prefix"
            self.visible.symlink_to(self.prefix)
            self.libdir = self.visible / self.libdir.relative_to(self.prefix)
            lines = pc_file.read_text(encoding="utf-8").splitlines()
            lines = [f"prefix={self.visible}" if line.startswith("prefix=") else line for line in lines]
            pc_file = scratch / "crochet.pc"
            pc_file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.env = {**os.environ, "PKG_CONFIG_PATH": str(pc_file.parent)}

    def moved(self, scratch):
        stage = scratch / "stage"
        run(["meson", "install", "--no-rebuild", "--quiet", "-C", self.build], env={**os.environ, "DESTDIR": str(stage)})
        pc_file = one(stage / "**" / "crochet.pc")
        text = pc_file.read_text(encoding="utf-8").splitlines()
        prefix = next(line for line in text if line.startswith("prefix="))[len("prefix="):]
        moved = scratch / "moved here"
        shutil.move(str(stage) + prefix, str(moved))
        shutil.rmtree(stage)
        return moved

    def flags(self, what, static=False):
        need("pkg-config")
        return ask(["pkg-config", *(["--static"] if static else []), what, "crochet"], self.env)

    def libraries(self, static):
        libs = self.flags("--libs", static)
        return [str(self.libdir / "libcrochet.a") if lib == "-lcrochet" else lib for lib in libs] if static else libs

    def check(self, program, shared, args=()):
        """Runs a program that must, or must not, be linked with the shared library."""
        needed = run(["readelf", "-d", program], stdout=subprocess.PIPE, encoding="utf-8").stdout
        expect(("libcrochet.so.0" in needed) == shared, f"{program} is linked with the wrong one of the two libraries")
        run([program, *args], env={**os.environ, "LD_LIBRARY_PATH": str(self.libdir)}, timeout=60)


class Tests:
    """Runs tests, and counts them."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def test(self, name, function, *args):
        print(f"\n---- {name}", flush=True)
        try:
            function(*args)
            self.passed += 1
        except Missing as missing:
            print(f"skipped: {name}: {missing}")
            self.skipped += 1
        except (subprocess.SubprocessError, OSError, AssertionError) as error:
            print(f"failed: {name}: {error}", flush=True)
            self.failed += 1

    def finish(self):
        more = f", {self.skipped} skipped" if self.skipped else ""
        print(f"\n{self.passed} passed, {self.failed} failed{more}")
        if self.failed:
            return 1
        return 0 if self.passed else 77


def compile_program(command, source, flags, libs, output):
    """Skips what the compiler does not know: the dialect, a standard library, coroutines."""
    include = "coroutine" if "coro" in source else "stddef.h"
    probe = subprocess.run([*command, "-fsyntax-only", "-"], input=f"#include <{include}>\n", encoding="utf-8",
                           capture_output=True)
    if probe.returncode:
        raise Missing(f"{' '.join(command)} does not know that here")
    run([*command, *WARNINGS, *flags, HERE / source, "-o", output, *libs])


def each_program(table):
    """(name, command, source) for each compiler, dialect and source of a table."""
    for family, (c_names, cpp_names) in FAMILIES.items():
        for source, language, dialects, more in table:
            if "-stdlib=libc++" in more and family != "clang":
                continue
            for dialect in dialects:
                name = " ".join([family, dialect, *more, source])
                yield name, c_names if language == "c" else cpp_names, [f"-x{language}", f"-std={dialect}", *more], source


def programs(tests, way, table, installed, scratch, link):
    def build_and_run(names, args, source):
        program = scratch / f"program-{way}"
        cflags = installed.flags("--cflags")
        # A library after -x would be read as source.
        libs = ["-xnone", *link()]
        compile_program([need(*names), *args], source, cflags, libs, program)
        installed.check(program, way == "shared")

    for name, names, args, source in each_program(table):
        tests.test(f"{way} {name}", build_and_run, names, args, source)


def pkg_config(installed, static):
    """What the file says, and that it says no more."""
    expect(installed.flags("--modversion") == [installed.version], "pkg-config has another version than the header")
    cflags = installed.flags("--cflags")
    expect(cflags == [f"-I{installed.visible}/include"], "--cflags leaks something private")
    expect(installed.flags("--libs") == [f"-L{installed.libdir}", "-lcrochet"], "--libs leaks something private")
    if static:
        private = [flag for flag in installed.flags("--cflags", static=True) if flag.startswith("-D")]
        expect(not private, "--static --cflags leaks something private")


def shared(tests, installed, scratch):
    tests.test("shared pkg-config", pkg_config, installed, False)
    programs(tests, "shared", SHARED, installed, scratch, lambda: installed.libraries(static=False))


def static(tests, installed, scratch):
    tests.test("static pkg-config", pkg_config, installed, True)
    programs(tests, "static", STATIC, installed, scratch, lambda: installed.libraries(static=True))


def fully_static(tests, installed, scratch):
    def link():
        probe = subprocess.run([need("gcc", "clang"), "-print-file-name=libuv_a.a"], stdout=subprocess.PIPE,
                               encoding="utf-8", check=True).stdout.strip()
        if not os.path.isabs(probe):
            raise Missing("libuv's archive is missing")
        # Debian calls it libuv_a.a. The C library says that its look-ups of names want its shared one: they do.
        return ["-static", *("-l:libuv_a.a" if lib == "-luv" else lib for lib in installed.libraries(static=True))]

    programs(tests, "fully-static", STATIC, installed, scratch, link)


def dlopen(tests, installed, scratch):
    programs(tests, "dlopen", DLOPEN, installed, scratch, lambda: [])


def plugin(tests, installed, scratch):
    def build(names, static):
        compiler = need(*names)
        host, library = scratch / "plugin-host", scratch / "plugin.so"
        run([compiler, "-std=c99", *WARNINGS, HERE / "consumer_plugin_host.c", "-o", host])
        # The archive in a plugin: it lets nothing out, and stays, since threads of the library's may still run.
        link = ["-Wl,--exclude-libs,libcrochet.a", "-Wl,-z,nodelete"] if static else [f"-Wl,-rpath,{installed.libdir}"]
        run([compiler, "-std=c99", *WARNINGS, "-shared", "-fPIC", *installed.flags("--cflags"),
             HERE / "consumer_plugin.c", "-o", library, *installed.libraries(static), *link])
        if static:
            let_out = run(["nm", "-D", "--defined-only", library], stdout=subprocess.PIPE, encoding="utf-8").stdout
            expect("crochet" not in let_out, "the archive's functions leave the plugin")
        installed.check(host, False, [library, "stays" if static else "goes"])

    for family, (c_names, _) in FAMILIES.items():
        for kind in (False, True):
            tests.test(f"plugin {family} {'static' if kind else 'shared'}", build, c_names, kind)


def cmake(tests, installed, scratch):
    compiler = os.environ.get("CC", "cc").split()
    flags = " ".join([*compiler[1:], "-std=c99", *WARNINGS])
    define = [f"-DCMAKE_PREFIX_PATH={installed.prefix}", f"-DCMAKE_C_COMPILER={compiler[0]}", f"-DCMAKE_C_FLAGS={flags}"]

    def builds():
        need("cmake")
        build = scratch / "cmake"
        run(["cmake", "-S", HERE, "-B", build, f"-DWANT_VERSION={installed.version}", *define], stdout=subprocess.DEVNULL)
        run(["cmake", "--build", build], stdout=subprocess.DEVNULL)
        installed.check(build / "shared", True)
        installed.check(build / "static", False)

    def refuses():
        need("cmake")
        newer = ".".join([installed.version.split(".")[0], "9999"])
        refused = subprocess.run(["cmake", "-S", HERE, "-B", scratch / "refused", f"-DWANT_VERSION={newer}", *define],
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")
        expect(refused.returncode and "compatible" in refused.stdout, f"a find_package for {newer} was not refused")

    tests.test("cmake find_package", builds)
    tests.test("cmake refuses a newer version", refuses)


def meson_project(project, how):
    shutil.copy(HERE / "consumer.c", project)
    (project / "meson.build").write_text(
        "project('host', 'c', default_options: ['c_std=c99'])\n"
        f"executable('consumer', 'consumer.c', dependencies: {how})\n", encoding="utf-8")


def meson(tests, installed, scratch):
    def builds():
        need("meson"), need("ninja"), need("pkg-config")
        project = scratch / "meson"
        project.mkdir()
        how = f"dependency('crochet', version: '={installed.version}')"
        meson_project(project, how)
        run(["meson", "setup", project / "build", project], env=installed.env, stdout=subprocess.DEVNULL)
        run(["ninja", "-C", project / "build", "consumer"], stdout=subprocess.DEVNULL)
        installed.check(project / "build" / "consumer", True)

    tests.test("meson dependency()", builds)


def subproject(tests, installed, scratch):
    """Neither tests nor examples come along."""
    def builds():
        need("meson"), need("ninja")
        project = scratch / "subproject"
        (project / "subprojects").mkdir(parents=True)
        ignore = shutil.ignore_patterns("build", ".git", "__pycache__")
        shutil.copytree(ROOT, project / "subprojects" / "crochet", ignore=ignore)
        meson_project(project, "dependency('crochet', fallback: 'crochet')")
        build = project / "build"
        run(["meson", "setup", "--wrap-mode=forcefallback", build, project], stdout=subprocess.DEVNULL)
        names = run(["ninja", "-C", build, "-t", "targets", "all"], stdout=subprocess.PIPE, encoding="utf-8").stdout
        expect("crochet/tests" not in names and "crochet/examples" not in names, "a subproject builds tests or examples")
        run(["ninja", "-C", build, "consumer"], stdout=subprocess.DEVNULL)
        run([build / "consumer"], timeout=60)

    tests.test("meson subproject", builds)


WAYS = {"shared": shared, "static": static, "fully-static": fully_static, "cmake": cmake, "meson": meson,
        "subproject": subproject, "dlopen": dlopen, "plugin": plugin}


def main():
    way, where, version = sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), sys.argv[3]
    for other in FAMILIES.keys() - set(sys.argv[4:]) if sys.argv[4:] else ():
        del FAMILIES[other]
    tests = Tests()
    with tempfile.TemporaryDirectory(prefix="crochet-consumer-") as folder:
        installed = Installed(where, version, pathlib.Path(folder))
        for name in WAYS if way == "all" else [way]:
            WAYS[name](tests, installed, pathlib.Path(folder))
    return tests.finish()


if __name__ == "__main__":
    sys.exit(main())
