# SPDX-License-Identifier: MIT
"""An exchange rate that is fetched again and again on the loop, and shown by a web page whose threads wait for nothing:
they read the latest.

    exchange_rate.py URL [SECONDS [PORT]]     the URL answers with a number
"""
import signal
import sys
from typing import Optional

from crochet_uv import every, run_process, setup
from flask import Flask, render_template_string
from werkzeug.serving import make_server

setup()


# [rate]
class ExchangeRate:
    """May be asked by any thread at any time; no user of it hears of a loop."""

    def __init__(self, url: str, period: float) -> None:
        self._url = url
        self._latest: Optional[float] = None
        self._fetching = every(period, self._fetch, first=0)

    def latest(self) -> Optional[float]:
        """None, before the first has come."""
        return self._latest

    async def _fetch(self) -> None:
        """A round. The next begins when it is due and this one is over; if it failed, none would."""
        curl = await run_process(["curl", "-sSfL", "--max-time", "10", "--url", self._url])
        try:
            if curl.returncode != 0:
                raise ValueError(curl.stderr.decode().strip())
            self._latest = float(curl.stdout)
        except ValueError as error:
            print("the last rate stays:", error, file=sys.stderr)
# [end rate]


app = Flask(__name__)
rate = ExchangeRate(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 30)


@app.get("/")
def show() -> str:
    latest = rate.latest()
    return render_template_string(
        """<!doctype html><html lang="en"><meta charset="utf-8"><title>Exchange rate</title><style>
body { font: 18px/1.5 sans-serif; max-width: 34em; margin: 1em auto } b { font-size: 2em; color: #9c2f5c }
</style><p>1 euro is</p><p><b>{{ rate }}</b></p><p>US dollars.</p></html>""",
        rate="not known yet" if latest is None else f"{latest:g}",
    )


server = make_server("127.0.0.1", int(sys.argv[3]) if len(sys.argv) > 3 else 0, app, threaded=True)
signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends it as Ctrl-C does
print(f"http://127.0.0.1:{server.port}/", flush=True)
server.serve_forever()
