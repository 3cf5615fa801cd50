# SPDX-License-Identifier: MIT
"""A download in the background of a web application whose requests are served by threads. The first request of a session
starts it on the loop and stashes its result, whose number is kept in the session; later ones look how far it is.

    web_download.py URL [PORT]
"""
import secrets
import signal
import sys

from crochet_uv import EventualResult, retrieve_result, run_in_loop, run_process, setup, stash_limits
from flask import Flask, render_template_string, session
from werkzeug.serving import make_server

setup()
stash_limits(10_000, time_to_live=600)  # for those who never come back

app = Flask(__name__)
app.secret_key = secrets.token_bytes(32)
url = sys.argv[1]


# [look]
class DownloadFailed(Exception):
    pass


@run_in_loop
async def download(url: str) -> bytes:
    curl = await run_process(["curl", "-sSfL", "--url", url])  # no thread waits for it
    if curl.returncode != 0:
        raise DownloadFailed(curl.stderr.decode())
    return curl.stdout


def of_session() -> "EventualResult[bytes] | None":
    """The one whose number the session has; None: there is none, or it is there no more."""
    try:
        return retrieve_result(session.pop("download", 0))  # ours now: the number is used up
    except KeyError:
        return None


@app.get("/")
def look() -> str:
    """On a thread of the web server's, which never waits for a download."""
    mine = of_session()
    if mine is None:
        session["download"] = download(url).stash()
        return html("Starting", url)
    if not mine.done():
        session["download"] = mine.stash()
        return html("In progress", url)
    try:
        page = mine.wait()
        return html(f"The page: {len(page)} bytes", page.decode(errors="replace"))
    except DownloadFailed as failure:
        return html("It failed", str(failure))
# [end look]


def html(heading: str, text: str) -> str:
    return render_template_string(
        """<!doctype html><html lang="en"><meta charset="utf-8"><title>Download</title><style>
body { font: 18px/1.5 sans-serif; max-width: 34em; margin: 1em auto } h1 { font-size: 1.3em; color: #9c2f5c }
pre { background: #f6f1f3; padding: 1em; white-space: pre-wrap }</style>
<h1>{{ heading }}</h1><pre>{{ text }}</pre><p><a href="/">Look again</a></p></html>""",
        heading=heading,
        text=text,
    )


server = make_server("127.0.0.1", int(sys.argv[2]) if len(sys.argv) > 2 else 0, app, threaded=True)
signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends it as Ctrl-C does
print(f"http://127.0.0.1:{server.port}/", flush=True)
server.serve_forever()
