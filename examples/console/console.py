# SPDX-License-Identifier: MIT
"""A console into the running process: while its threads are blocked in their work, here commands of the shell, the owner of
a socket asks what they wait for. A listing needs no loop, so the console has plain threads: it answers when the loop is stuck.

console.py SOCKET COMMAND...      meanwhile: nc -U SOCKET, and there: calls, loops, counters, log LEVEL, quit
"""
import logging
import os
import socketserver
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from crochet_uv import EventualResult, ProcessExit, counters, dump, run_process, set_log_level, setup, shutdown, wait_for

LEVELS = {"log trace": 5, "log debug": logging.DEBUG, "log info": logging.INFO, "log warning": logging.WARNING, "log error": logging.ERROR}


# [answer]
def answer(asked: str) -> list[str]:
    if asked in ("calls", "loops"):
        return [line for line in dump().splitlines() if line.startswith(asked[:4] + " ")]
    if asked == "counters":
        return [f"{name} {count}" for name, count in counters().items()]
    if asked in LEVELS:
        set_log_level(LEVELS[asked])
        logging.getLogger("crochet_uv").setLevel(LEVELS[asked])
        return []
    return ["calls, loops, counters, log LEVEL, quit"]
# [end answer]


# [console]
class Visit(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        for line in self.rfile:
            asked = line.decode("utf-8", "replace").rstrip("\n")
            if asked == "quit":
                return
            self.wfile.write("".join(text + "\n" for text in [*answer(asked), ""]).encode())  # an empty line ends each


class Console(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, path: str) -> None:
        super().__init__(path, Visit, bind_and_activate=False)
        try:
            self.server_bind()
            os.chmod(path, 0o600)
            self.server_activate()  # nobody could connect before
        except OSError:
            self.server_close()
            raise
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # a visitor who is gone

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()
        os.unlink(str(self.server_address))
# [end console]


# [main]
def work(command: str) -> int:
    def run() -> EventualResult[ProcessExit]:
        return run_process(["sh", "-c", command])

    ended = wait_for(timeout=None, label=command)(run)()
    print(f"{command}: {ended.returncode}", flush=True)
    return ended.returncode


setup()
try:
    with Console(sys.argv[1]), ThreadPoolExecutor(len(sys.argv) - 2) as workers:
        statuses = list(workers.map(work, sys.argv[2:]))
except OSError as error:
    sys.exit(f"{sys.argv[1]}: {error}")
shutdown(grace=1.0)
sys.exit(any(statuses))
# [end main]
