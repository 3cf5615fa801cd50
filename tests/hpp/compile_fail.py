#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What must not compile, and says why in words of the header's own.

    compile_fail.py INCLUDE_DIR COMPILER [ARGUMENT...]

Each case is a few lines of a function's body; the compiler must refuse it and its output must hold the text beside it.
The same frame with a body that is right must compile: so a refusal has no other reason.
"""
import concurrent.futures
import os
import re
import subprocess
import sys

FRAME = """
#include "crochet.hpp"
#include <memory>
#include <vector>
using namespace std::chrono_literals;
namespace {{ struct Hidden {{}}; }}
struct Shown {{}};
inline int number = 0;
inline int& reference() {{ return number; }}
inline int add(int a, int b) {{ return a + b; }}
void body() {{
{body}
}}
"""

RIGHT = """
crochet::run(add, 1, 2).wait();
auto f = crochet::run_in_loop([](Shown) { return Shown(); });
f(Shown()).stash();
crochet::run([](int& n) { ++n; }, std::ref(number));
std::move(f)(Shown());
crochet::run(add, 1, 2).then([](int) {});
crochet::log(crochet::log_level::info, "origin", [] { return "made"; });
crochet::run_many([](Shown) {}, std::vector<Shown>(3));
crochet::cork().run(add, 1, 2);
const auto sink = crochet::add_log_sink(crochet::log_level::info, [](const crochet::log_record&) {});
"""

# name: (body, what the output must hold)
WRONG = {
    "a reference returned": ("crochet::run(reference);", "returns a reference"),
    "a reference returned by a decorated function":
        ("crochet::run_in_loop(reference)();", "returns a reference"),
    "a reference returned by a continuation":
        ("crochet::run(add, 1, 2).then([](int) -> int& { return number; });", "returns a reference"),
    "a result of a reference": ("crochet::eventual_result<int&> r;", "a result is void or a value"),
    "a result of an array": ("crochet::eventual_result<int[3]> r;", "a result is void or a value"),
    "a result of a const value": ("crochet::eventual_result<const int> r;", "a result is void or a value"),
    "a deferred of a reference": ("crochet::deferred<int&> d; d.result();", "a result is void or a value"),
    "too few arguments": ("crochet::run(add, 1);", "can't be called with these arguments"),
    "an argument of the wrong type": ("crochet::run(add, 1, Shown());", "can't be called with these arguments"),
    "an lvalue for a reference":
        ("int n = 0; crochet::run([](int& m) { ++m; }, n);", "std::ref\\(x\\) arrives as a reference"),
    "a decorated function's arguments":
        ("crochet::run_in_loop(add)(1, 2, 3);", "can't be called with these arguments"),
    "a move-only function called twice":
        ("auto f = crochet::run_in_loop([p = std::make_unique<int>(1)] {}); f();", "can be called once"),
    "a move-only function for many elements":
        ("crochet::run_many([p = std::make_unique<int>(1)](int) {}, std::vector<int>());", "copied for each"),
    "a function that does not take the elements":
        ("crochet::run_many(add, std::vector<int>());", "can't be called with these arguments"),
    "a reference returned for many elements":
        ("crochet::run_many([](int) -> int& { return number; }, std::vector<int>());", "returns a reference"),
    "many elements that are none": ("crochet::run_many(add, 5);", "(no matching|no viable)"),
    "a copy of a cork": ("crochet::cork a; auto b = a;", "deleted"),
    "a cork's function's arguments": ("crochet::cork().run(add, 1);", "can't be called with these arguments"),
    "a copy of a result": ("auto r = crochet::run(add, 1, 2); auto s = r;", "deleted"),
    "a copy of a loop": ("crochet::loop a; auto b = a;", "deleted"),
    "a stashed local type":
        ("auto r = crochet::run([] { return [] {}; }); r.stash();", "local or unnamed type"),
    "a stashed type of an anonymous namespace":
        ("crochet::run([] { return Hidden(); }).stash();", "local or unnamed type"),
    "a retrieved type of an anonymous namespace":
        ("crochet::retrieve_result<std::vector<Hidden>>(1);", "local or unnamed type"),
    "a continuation that takes something else":
        ("crochet::run(add, 1, 2).then([](std::unique_ptr<int>) {});", "takes neither the value nor"),
    "a continuation that takes nothing of a value":
        ("crochet::run(add, 1, 2).then([] {});", "takes neither the value nor"),
    "a time without a unit": ("crochet::run(add, 1, 2).wait(5);", "(no matching|cannot convert|no viable)"),
    "a decorated function thrown away": ("crochet::run_in_loop(add);", "nodiscard"),
    "a patient function thrown away": ("crochet::wait_for(1s, add);", "nodiscard"),
    "a sink thrown away":
        ("crochet::add_log_sink(crochet::log_level::info, [](const crochet::log_record&) {});", "nodiscard"),
    "a file's sink thrown away": ('crochet::add_file_log(crochet::log_level::info, "x");', "nodiscard"),
    "a copy of a sink": ("crochet::log_sink a; auto b = a;", "deleted"),
    "a sink that takes something else":
        ("auto s = crochet::add_log_sink(crochet::log_level::info, [](int) {});", "called with a const log_record&"),
    "a message that is no text": ("crochet::log(crochet::log_level::info, 5);", "text, or a function that makes text"),
    "a message that is made of no text":
        ("crochet::log(crochet::log_level::info, [] { return 5; });", "text, or a function that makes text"),
    "a message to be formatted":
        ('crochet::log(crochet::log_level::info, "origin", "{}", 5);', "(no matching|too many)"),
    "a level that is a number": ('crochet::log(2, "x");', "(no matching|cannot convert|no viable)"),
    "an answer of on_cancel thrown away": ("crochet::deferred<int>().on_cancel([] {});", "nodiscard"),
}

# The same of crochet_coro.hpp.
COROUTINE_FRAME = """
#include "crochet_coro.hpp"
#include <string>
#include <vector>
using namespace std::chrono_literals;
using crochet::task;
inline task<int> measure(const std::string& s) {{ co_return static_cast<int>(s.size()); }}
struct Object {{ task<int> measure(const std::string& s) {{ return ::measure(s); }} }};
void body() {{
{body}
}}
"""

RIGHT_COROUTINES = """
std::string text;
crochet::run(measure, std::string("x")).then([](const int& n) -> task<int> { co_return n; });
crochet::run(measure, std::ref(text));
crochet::run([](std::string s) -> task<int> { co_return co_await measure(s); }, "x");
crochet::run_many(measure, std::vector<std::string>(3));
crochet::loop_owned<Object>().run(&Object::measure, text);
crochet::run([]() -> task<> {
  crochet::deferred<int> d;
  auto lent = d.result();
  co_await lent;
  co_await crochet::shielded(lent);
  co_await std::move(d);
  co_await crochet::shielded(crochet::sleep(1ms));
});
"""

WRONG_COROUTINES = {
    "a converted argument, referred to": ('crochet::run(measure, "x");', "converted for this call"),
    "a converted argument of a lambda":
        ('crochet::run([](int, std::string&&) -> task<> { co_return; }, 1, "x");', "converted for this call"),
    "a converted argument of a member":
        ('crochet::loop_owned<Object>().run(&Object::measure, "x");', "converted for this call"),
    "a converted value of a continuation":
        ('crochet::run([] { return "x"; }).then(measure);', "converted for this call"),
    "a converted value that is lent":
        ('auto r = crochet::run([] { return "x"; }); r.then(measure);', "converted for this call"),
    "a coroutine in a cork": ("crochet::cork().run(measure, std::string());", "never starts"),
    "a coroutine again and again":
        ("crochet::every(std::chrono::seconds(1), []() -> task<> { co_return; });", "takes no coroutine"),
    "a task awaited and kept":
        ("crochet::run([]() -> task<> { auto t = measure({}); co_await t; });", "a task is awaited once"),
    "a deferred awaited and kept":
        ("crochet::run([]() -> task<> { crochet::deferred<int> d; co_await d; });", "keep it from being broken"),
    "something of another library":
        ("crochet::run([]() -> task<> { co_await std::suspend_always(); });", "a coroutine awaits a task"),
    "a task of a reference": ("task<int&> t;", "a coroutine gives void or a value"),
    "a wrong value": ("crochet::run([]() -> task<int> { co_return std::string(); });", "co_returned does not make"),
    "a task thrown away": ("measure({});", "nodiscard"),
    "a copy of a task": ("auto t = measure({}); auto u = t;", "(deleted|no matching|implicitly)"),
}


def compiled(include, compiler, frame, standard, body):
    source = frame.format(body=body)
    command = [*compiler, standard, "-fsyntax-only", "-Werror=unused-result", "-I", include, "-xc++", "-"]
    done = subprocess.run(command, input=source, capture_output=True, encoding="utf-8",
                          env={**os.environ, "LC_ALL": "C"})
    return done.returncode == 0, done.stdout + done.stderr


def judge(include, compiler, frame, standard, name, body, wanted):
    fine, output = compiled(include, compiler, frame, standard, body)
    if wanted is None:
        return None if fine else f"{name}: does not compile:\n{output}"
    if fine:
        return f"{name}: compiles"
    if not re.search(wanted, output):
        return f"{name}: refused, but not by /{wanted}/:\n{output}"
    return None


def main():
    include, compiler = sys.argv[1], sys.argv[2:]
    cases = [
        (frame, standard, name, *case)
        for frame, standard, right, wrong in ((FRAME, "-std=c++17", RIGHT, WRONG),
                                              (COROUTINE_FRAME, "-std=c++20", RIGHT_COROUTINES, WRONG_COROUTINES))
        for name, case in [("what is right", (right, None)), *wrong.items()]
    ]
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        problems = [p for p in pool.map(lambda case: judge(include, compiler, *case), cases) if p]
    for problem in problems:
        print(problem)
    print(f"{len(cases) - len(problems)} of {len(cases)} as they must be")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
