#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The examples of databases with real servers: databases_test.py redis|postgres PROGRAM."""
import contextlib
import os
import pathlib
import pwd
import subprocess
import sys

import serving


def ask(process, line):
    process.stdin.write(line + "\n")
    process.stdin.flush()
    return process.stdout.readline().rstrip("\n")


def expect(is_so, what):
    if not is_so:
        sys.exit(f"must be so: {what}")


def test_redis(program):
    serving.need("redis-server")
    port = serving.free_port()
    with serving.folder() as where:
        with serving.redis(where, port):
            subprocess.run([program, str(port)], check=True, timeout=100)
        # One that lives through the server's restart.
        with subprocess.Popen([program, str(port), "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as client:
            refused = ask(client, "PING")
            expect("refused" in refused, f"no server: {refused}")
            with serving.redis(where, port):
                expect(ask(client, "SET name wool") == "OK", "it is there now")
                expect(ask(client, "GET name") == "wool", "a value")
                expect(ask(client, "GET nothing") == "", "nil")
                expect(ask(client, "LPUSH name x").startswith("error: WRONGTYPE"), "Redis says no")
            expect(ask(client, "PING").startswith("error: "), "the server has gone")
            with serving.redis(where, port):
                expect(ask(client, "PING") == "PONG", "a new server, a new connection")
            client.stdin.close()
            expect(client.wait(60) == 0, "it ends well")


def tools():
    """PostgreSQL's, which Debian keeps out of the path; ends the test as skipped without them."""
    folders = sorted(map(str, pathlib.Path("/usr/lib/postgresql").glob("*/bin")))
    os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", ""), *folders[-1:]])
    return serving.need("initdb", "postgres", "pg_isready")


def as_nobody_special():
    """The server refuses to run as root: then it runs as the user of Debian's package."""
    if os.geteuid() != 0:
        return {}
    with contextlib.suppress(KeyError):
        user = pwd.getpwnam("postgres")
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    print("skipped: there is no user postgres here")
    sys.exit(serving.MISSING)


def test_postgres(program):
    initdb, postgres, pg_isready = tools()
    user = as_nobody_special()
    port = serving.free_port()
    with serving.folder() as where:
        if user:
            os.chown(where, user["user"], user["group"])
        data = os.path.join(where, "data")
        subprocess.run([initdb, "--no-sync", "--no-locale", "-A", "trust", "-U", "crochet", "-D", data], check=True,
                       stdout=subprocess.DEVNULL, cwd=where, timeout=100, **user)
        command = [postgres, "-D", data, "-p", str(port), "-c", "listen_addresses=127.0.0.1", "-F",
                   "-c", f"unix_socket_directories={where}"]

        def is_ready():
            return subprocess.run([pg_isready, "-q", "-h", "127.0.0.1", "-p", str(port)], check=False).returncode == 0

        address = f"host=127.0.0.1 port={port} user=crochet dbname=postgres"
        with open(os.path.join(where, "log"), "w", encoding="utf-8") as log:
            with serving.server(command, is_ready, cwd=where, stdout=log, stderr=log, **user):
                subprocess.run([program, address], check=True, timeout=100)
                done = subprocess.run([program, address, "SELECT 1, 'wool'", "60"], check=True, timeout=100,
                                      capture_output=True, text=True)
                expect(done.stdout == "1\twool\t\n", f"a row: {done.stdout}")
                # A program that gives up and ends leaves nothing behind, at whatever moment that is.
                for moment in range(1, 20):
                    given_up = subprocess.run([program, address, "SELECT pg_sleep(100000)", f"{moment / 300}"], check=False,
                                              timeout=100, capture_output=True, text=True)
                    expect(given_up.returncode == 1 and "time" in given_up.stderr, f"time was over: {given_up.stderr}")
                asleep = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'"
                while subprocess.run([program, address, asleep, "60"], check=True, timeout=100,
                                     capture_output=True, text=True).stdout != "0\t\n":
                    pass
                no = subprocess.run([program, address, "SELECT nonsense", "60"], check=False, timeout=100,
                                    capture_output=True, text=True)
                expect(no.returncode == 1 and "nonsense" in no.stderr, f"what the server says: {no.stderr}")
        no = subprocess.run([program, address, "SELECT 1", "60"], check=False, timeout=100, capture_output=True, text=True)
        expect(no.returncode == 1 and "refused" in no.stderr, f"no server: {no.stderr}")


{"redis": test_redis, "postgres": test_postgres}[sys.argv[1]](sys.argv[2])
