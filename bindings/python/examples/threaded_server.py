# SPDX-License-Identifier: MIT
"""A threaded web server whose pages look up what the loop keeps fresh, and start work that a later request asks for.

The first page starts a slow job and remembers its number, as a web session would; /result?<number> tells how far it is.
With an argument it serves until Ctrl-C; without, it asks itself and ends.
"""
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from crochet_uv import TimeoutError, every, retrieve_result, run_in_loop, setup, sleep

setup()

rate = {"EUR": 1.0}
refreshed = threading.Event()


def refresh() -> None:
    """On the loop's thread, again and again: what a client of an exchange would do."""
    rate["EUR"] += 0.01
    refreshed.set()


refreshing = every(0.01, refresh, first=0)


@run_in_loop
async def slow_report(currency: str) -> str:
    await sleep(0.05)
    return f"{currency} {rate[currency]:.2f}"


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path, _, number = self.path.partition("?")
        if path == "/start":
            self.page(str(slow_report("EUR").stash()))
            return
        try:
            result = retrieve_result(int(number))
        except (KeyError, ValueError):
            self.page("no such report", 404)
            return
        try:
            self.page(result.wait(timeout=0.01))
        except TimeoutError:
            self.page(f"not yet {result.stash()}", 202)

    def page(self, text: str, status: int = 200) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0), Pages)
if len(sys.argv) > 1:
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.exit()


def get(path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}{path}", timeout=10) as answer:
        return str(answer.read().decode())


threading.Thread(target=server.serve_forever, daemon=True).start()
refreshed.wait(10)
page = "not yet " + get("/start")
while page.startswith("not yet "):
    page = get("/result?" + page[len("not yet ") :])
print(page.split()[0], "has a rate")
refreshing.cancel()
server.shutdown()
server.server_close()
