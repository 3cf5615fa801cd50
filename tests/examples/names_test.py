# SPDX-License-Identifier: MIT
"""The examples of names, with name servers of the test's own: dnsmasq, and one that keeps silent.

    names_test.py --cpp FOLDER --python FOLDER [--library FILE --binding FOLDER]

The C library asks port 53 of the servers in /etc/resolv.conf and nobody else. So the test moves to a network of its own, in
namespaces of Linux, with files of its own; where it can't, what goes by way of the C library is left out, and that is said.
"""
import argparse
import contextlib
import fcntl
import os
import pathlib
import pwd
import socket
import struct
import subprocess
import sys
import unittest

import programs
import serving

INSIDE = "--inside"  # this process is in the network of its own
SOON = "0.1"  # seconds, for who is never answered: nothing depends on it
FILES = {"nsswitch.conf": "hosts: files dns\n", "hosts": "127.0.0.1 localhost\n", "resolv.conf": ""}
RECORDS = [
    "--local=/test/",  # what is not named here does not exist
    "--host-record=web.test,192.0.2.7",
    "--mx-host=mail.test,first.mail.test,10",
    "--mx-host=mail.test,second.mail.test,20",
    *[f"--mx-host=many.test,relay-number-{i}.many.test,{i}" for i in range(40)],  # too long for a datagram
]


def unshare():
    """How to get a network of one's own; None: not at all."""
    for command in (["unshare", "--mount", "--net"], ["unshare", "--map-root-user", "--mount", "--net"]):
        with contextlib.suppress(OSError):
            if subprocess.run([*command, "true"], stderr=subprocess.DEVNULL).returncode == 0:
                return command
    return None


def furnish(folder):
    """Brings the network's loopback up, and puts files of our own before the system's."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        siocsifflags, iff_up = 0x8914, 1
        fcntl.ioctl(any_socket, siocsifflags, struct.pack("16sH14x", b"lo", iff_up))
    for name, text in FILES.items():
        pathlib.Path(folder, name).write_text(text)
        subprocess.run(["mount", "--bind", f"{folder}/{name}", f"/etc/{name}"], check=True)


def ask(server):
    """Whom the C library asks. In place: the file is mounted."""
    with open("/etc/resolv.conf", "w") as file:
        file.write(f"nameserver {server}\noptions timeout:30 attempts:1\n")


def answers(port):
    """Does a name server? dnsmasq opens its sockets early, and may end after that."""
    question = b"ok\1\0\0\1\0\0\0\0\0\0\3web\4test\0\0\1\0\1"
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(1)
        client.connect(("127.0.0.1", port))
        client.send(question)
        return client.recv(512)[:2] == b"ok"
    return False


class Silent:
    """A name server that says nothing until it is told to."""

    def __init__(self, address, port=0):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, port))
        self.socket.settimeout(serving.SECONDS)
        self.port = self.socket.getsockname()[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def deny(self):
        """Takes a question, and says: no such name."""
        question, who = self.socket.recvfrom(512)
        self.socket.sendto(question[:2] + b"\x81\x83" + question[4:], who)


class BlockingDns(unittest.TestCase):
    def setUp(self):
        if not own_network:
            self.skipTest("no network of its own can be had here")
        ask("127.0.0.1")

    def test_finds_what_is_there(self):
        for program in blocking_dns:
            with self.subTest(program):
                ran = run(*program, "web.test", "localhost")
                self.assertEqual(ran, (0, "web.test: 192.0.2.7\nlocalhost: 127.0.0.1\n", ""))

    def test_says_that_a_name_does_not_exist(self):
        for program in blocking_dns:
            with self.subTest(program):
                status, said, complaints = run(*program, "no-such-name.test", "web.test")
                self.assertEqual((status, complaints), (1, ""))
                failed, found = said.splitlines()
                self.assertRegex(failed, "no-such-name.test: UV_EAI_NONAME: unknown node or service")
                self.assertEqual(found, "web.test: 192.0.2.7")

    def test_gives_up_when_nobody_answers(self):
        ask("127.0.0.2")
        for program in blocking_dns:
            with self.subTest(program), Silent("127.0.0.2", 53) as server:
                with running(*program, "-t", SOON, "web.test") as process:
                    self.assertEqual(process.stdout.readline(), "web.test: no answer in time\n")
                    server.deny()  # who gave up did not wait for that; but the process can't end before the look-up does
                    self.assertEqual(process.wait(serving.SECONDS), 1)


class Mx(unittest.TestCase):
    def setUp(self):
        if not mx:
            self.skipTest("it was built without c-ares")

    def test_names_the_mail_servers_of_a_domain(self):
        status, said, complaints = run(*mx, "mail.test", name_server)
        self.assertEqual((status, complaints), (0, ""))
        self.assertEqual(sorted(said.splitlines()), ["10 first.mail.test", "20 second.mail.test"])

    def test_goes_on_by_tcp_when_the_answer_is_too_long_for_a_datagram(self):
        status, said, complaints = run(*mx, "many.test", name_server)
        self.assertEqual((status, complaints, len(said.splitlines())), (0, "", 40))

    def test_says_that_a_domain_does_not_exist(self):
        self.assertEqual(run(*mx, "no-such-name.test", name_server), (1, "", "Domain name not found\n"))

    def test_gives_up_when_nobody_answers(self):
        with Silent("127.0.0.1") as server:
            status, said, complaints = run(*mx, "mail.test", f"127.0.0.1:{server.port}", SOON)
            self.assertEqual((status, said), (1, ""))
            self.assertIn("wait", complaints)
            server.deny()  # it was asked


def running(*command):
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def run(*command):
    ran = subprocess.run(command, capture_output=True, text=True, timeout=serving.SECONDS, env=environment)
    return ran.returncode, ran.stdout, ran.stderr


def parse():
    parser = argparse.ArgumentParser()
    programs.add_options(parser)
    parser.add_argument(INSIDE, action="store_true")
    return parser.parse_args()


def main():
    result = unittest.main(argv=sys.argv[:1], exit=False, verbosity=2).result
    return 0 if result.wasSuccessful() and result.testsRun > len(result.skipped) else 1


arguments = parse()
(dnsmasq,) = serving.need("dnsmasq")
if not arguments.inside and (enter := unshare()):
    sys.stdout.flush()
    os.execvp(enter[0], [*enter, sys.executable, *sys.argv, INSIDE])

own_network = arguments.inside
blocking_dns = [[f"{arguments.cpp}/blocking_dns"]]
mx = [f"{arguments.cpp}/mx"] if os.path.exists(f"{arguments.cpp}/mx") else []
if arguments.library:
    blocking_dns.append([sys.executable, f"{arguments.python}/blocking_dns.py"])
environment = programs.environment(arguments)

with serving.folder() as place:
    if own_network:
        furnish(place)
    port = 53 if own_network else serving.free_port(socket.SOCK_DGRAM)
    name_server = f"127.0.0.1:{port}"
    command = [dnsmasq, "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", f"--user={pwd.getpwuid(os.geteuid()).pw_name}", "--no-resolv"]
    command += ["--no-hosts", "--bind-interfaces", "--listen-address=127.0.0.1", f"--port={port}", *RECORDS]
    with serving.server(command, lambda: answers(port)):
        status = main()
sys.exit(status)
