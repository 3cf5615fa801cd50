# SPDX-License-Identifier: MIT
"""The web examples in each language, before a server whose answers the test holds back: no sleeps, no races.

    web_test.py --client http|browser --python FOLDER [--cpp FOLDER] [--library FILE --binding FOLDER] [--screenshots FOLDER]

The client is one of the standard library, with a jar of cookies; or a headless Chromium, which also takes the pictures.
"""
import argparse
import contextlib
import html
import http.cookiejar
import http.server
import importlib.util
import os
import pathlib
import select
import signal
import socket
import sys
import threading
import time
import unittest
import urllib.request

import programs
import serving

PATTERN = """Pattern {number}: granny square

Chain 4, join to a ring.
Round 1: ch 3, 2 dc, (ch 2, 3 dc) x 3, ch 2, join.
Fasten off & weave in.
Or go on until it is as large as <you> like.
"""


class PageServer:
    """Answers when the gate is open. Counts who asks, who waits, and who hung up while he waited."""

    def __init__(self):
        self.changed = threading.Condition()
        self.asked = self.waiting = self.left = 0
        self.gate, self.status, self.text = False, 200, PATTERN
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                number, patient = outer.arrive(self.connection)
                if patient:
                    body = outer.text.format(number=number).encode()
                    self.send_response(outer.status)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):  # a program that was ended while it read
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=[0.02], daemon=True).start()
        return self

    def __exit__(self, *_):
        self.set(gate=True)
        self.server.shutdown()
        self.server.server_close()

    def arrive(self, connection):
        """(how many have asked, did this one wait for the answer)"""
        with self.changed:
            self.asked += 1
            number = self.asked
            self.waiting += 1
            self.changed.notify_all()
            patient = True
            while patient and not self.gate:
                self.changed.wait(0.02)
                patient = not select.select([connection], [], [], 0)[0] or connection.recv(1, socket.MSG_PEEK) != b""
            self.waiting -= 1
            self.left += not patient
            self.changed.notify_all()
            return number, patient

    def set(self, **new):
        with self.changed:
            vars(self).update(new)
            self.changed.notify_all()

    def wait(self, what):
        with self.changed:
            if not self.changed.wait_for(lambda: what(self), serving.SECONDS):
                raise AssertionError(f"asked {self.asked}, waiting {self.waiting}, left {self.left}")


class Http:
    """A client of the standard library; its cookies are its session."""

    def __init__(self):
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), jar)

    def look(self, url):
        with self.opener.open(url, timeout=serving.SECONDS) as answer:
            return html.unescape(answer.read().decode())

    def picture(self, name):
        pass


class Browser:
    """A Chromium of its own, hence a session of its own."""

    running, idle = [], []  # they take long to start

    def __init__(self):
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        browser, driver = serving.need("chromium", "chromedriver")
        options = webdriver.ChromeOptions()
        options.binary_location = browser
        # Its sandbox needs rights that a container, or root, may not have; it sees no pages but the test's own.
        for option in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "disable-gpu", "no-proxy-server",
                       "disable-background-networking", "hide-scrollbars", "window-size=680,480"):
            options.add_argument("--" + option)
        self.driver = webdriver.Chrome(service=Service(driver), options=options)
        self.driver.set_page_load_timeout(serving.SECONDS)
        self.running.append(self)

    def look(self, url):
        if self.driver.current_url == url:
            self.driver.refresh()
        else:
            self.driver.get(url)
        return self.driver.find_element("tag name", "body").text

    def picture(self, name):
        if ARGUMENTS.screenshots is not None:
            path = ARGUMENTS.screenshots / f"{name}.png"
            if not path.exists():  # the languages' pages look the same
                self.driver.find_element("tag name", "html").screenshot(str(path))


class Example:
    """What is common to the tests of both programs. `command` is set for each language."""

    def client(self):
        if ARGUMENTS.client == "http":
            return Http()
        browser = Browser.idle.pop() if Browser.idle else Browser()
        browser.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
        self.addCleanup(Browser.idle.append, browser)
        return browser

    @contextlib.contextmanager
    def running(self, *arguments):
        """The program; gives its URL. When it is told to end, it does so in order."""
        environment = programs.environment(ARGUMENTS)
        environment = {name: value for name, value in environment.items() if not name.lower().endswith("_proxy")}
        with serving.folder() as folder:
            said = pathlib.Path(folder, "said")
            with open(said, "wb") as out, serving.server(
                self.command(self.name) + list(arguments), lambda: said.read_text().endswith("/\n"), stdout=out, env=environment
            ) as process:
                yield said.read_text().strip()
                process.send_signal(signal.SIGTERM)
                self.assertEqual(process.wait(serving.SECONDS), 0)

    def look_until(self, client, url, wanted, meanwhile):
        """Looks again and again until the page has what is wanted; until then it has what is to be there meanwhile."""
        deadline = time.monotonic() + serving.SECONDS
        while wanted not in (seen := client.look(url)):
            self.assertIn(meanwhile, seen)
            self.assertLess(time.monotonic(), deadline, f"{wanted} does not come")
        return seen


class WebDownload(Example):
    name = "web_download"

    def test_starting_then_in_progress_then_the_page_then_a_new_one(self):
        client = self.client()
        with PageServer() as pages, self.running(pages.url) as url:
            self.assertIn("Starting", client.look(url))
            client.picture("web-starting")
            for _ in range(3):
                self.assertIn("In progress", client.look(url))
            client.picture("web-in-progress")
            pages.set(gate=True)
            seen = self.look_until(client, url, "The page", "In progress")
            client.picture("web-page")
            self.assertIn(f"{len(PATTERN.format(number=1))} bytes", seen)
            for line in PATTERN.format(number=1).splitlines():
                self.assertIn(line, seen)
            self.assertEqual(pages.asked, 1)
            pages.set(gate=False)
            self.assertIn("Starting", client.look(url))
            pages.wait(lambda p: p.asked == 2)

    def test_each_session_has_its_own(self):
        first, second = self.client(), self.client()
        with PageServer() as pages, self.running(pages.url) as url:
            self.assertIn("Starting", first.look(url))
            pages.wait(lambda p: p.asked == 1)
            self.assertIn("Starting", second.look(url))
            pages.wait(lambda p: p.waiting == 2)
            self.assertIn("In progress", first.look(url))
            pages.set(gate=True)
            self.assertIn("Pattern 2", self.look_until(second, url, "The page", "In progress"))
            self.assertIn("Pattern 1", self.look_until(first, url, "The page", "In progress"))

    def test_a_refused_connection_is_shown_and_then_it_starts_anew(self):
        client = self.client()
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # and never listens
            with self.running(f"http://127.0.0.1:{taken.getsockname()[1]}/") as url:
                for _ in range(2):
                    self.assertIn("Starting", client.look(url))
                    seen = self.look_until(client, url, "It failed", "In progress")
                    self.assertIn("connect to 127.0.0.1", seen)

    def test_a_servers_refusal_is_shown(self):
        client = self.client()
        with PageServer() as pages, self.running(pages.url) as url:
            pages.set(gate=True, status=404)
            self.assertIn("Starting", client.look(url))
            self.assertIn("404", self.look_until(client, url, "It failed", "In progress"))
            pages.set(status=200)
            self.assertIn("Starting", client.look(url))
            self.look_until(client, url, "The page", "In progress")

    def test_a_session_of_an_earlier_server_starts_afresh(self):
        client = self.client()
        with PageServer() as pages:
            for _ in range(2):
                with self.running(pages.url) as url:
                    self.assertIn("Starting", client.look(url))
                    self.assertIn("In progress", client.look(url))

    def test_the_end_aborts_what_is_under_way(self):
        client = self.client()
        with PageServer() as pages:
            with self.running(pages.url) as url:
                self.assertIn("Starting", client.look(url))
                pages.wait(lambda p: p.waiting == 1)
            pages.wait(lambda p: p.left == 1)


class ExchangeRate(Example):
    name = "exchange_rate"

    def test_the_latest_is_shown_while_the_next_is_awaited(self):
        client = self.client()
        with PageServer() as rates, self.running(rates.url, "0.02") as url:
            self.assertIn("not known yet", client.look(url))
            rates.set(text="1.0842\n", gate=True)
            self.look_until(client, url, "1.0842", "not known yet")
            client.picture("exchange-rate")
            rates.set(text="1.0915\n", gate=False)
            rates.wait(lambda r: r.waiting == 1)
            asked = rates.asked
            for _ in range(3):
                self.assertIn("1.0842", client.look(url))
            self.assertEqual(rates.asked, asked)  # one at a time
            rates.set(gate=True)
            self.look_until(client, url, "1.0915", "1.0842")

    def test_the_last_one_stays_while_the_server_fails(self):
        client = self.client()
        with PageServer() as rates, self.running(rates.url, "0.02") as url:
            rates.set(text="1.0842\n", gate=True)
            self.look_until(client, url, "1.0842", "not known yet")
            for failure in ({"status": 500}, {"status": 200, "text": "closed on Sundays"}):
                rates.set(**failure)
                asked = rates.asked
                rates.wait(lambda r: r.asked >= asked + 3)
                self.assertIn("1.0842", client.look(url))
            rates.set(text="1.0915\n")
            self.look_until(client, url, "1.0915", "1.0842")

    def test_the_end_aborts_what_is_under_way(self):
        with PageServer() as rates:
            with self.running(rates.url):
                rates.wait(lambda r: r.waiting == 1)
            rates.wait(lambda r: r.left == 1)


def main():
    languages = {}
    if ARGUMENTS.cpp:
        languages["Cpp"] = lambda self, name: [f"{ARGUMENTS.cpp}/{name}"]
    else:
        print("not built in C++: cpp-httplib is missing")
    if ARGUMENTS.library is None:
        print("not run in Python: the interpreter is not instrumented")
    elif importlib.util.find_spec("flask") is None:
        print("not run in Python: Flask is missing")
    else:
        serving.need("curl")
        languages["Python"] = lambda self, name: [sys.executable, f"{ARGUMENTS.python}/{name}.py"]
    if not languages:
        print("skipped: nothing is left to run")
        return serving.MISSING
    if ARGUMENTS.client == "browser":
        serving.need("chromium", "chromedriver")
        if importlib.util.find_spec("selenium") is None:
            print("skipped: there is no selenium here")
            return serving.MISSING

    suite = unittest.TestSuite()
    for language, command in languages.items():
        for example in (WebDownload, ExchangeRate):
            case = type(example.__name__ + language, (example, unittest.TestCase), {"command": command})
            suite.addTests(unittest.defaultTestLoader.loadTestsFromTestCase(case))
    try:
        return 0 if unittest.TextTestRunner(verbosity=2).run(suite).wasSuccessful() else 1
    finally:
        for browser in Browser.running:
            browser.driver.quit()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--client", choices=["http", "browser"], required=True)
    programs.add_options(parser)
    parser.add_argument("--screenshots", type=pathlib.Path)
    ARGUMENTS = parser.parse_args()
    # The browser's driver is asked by HTTP as well.
    os.environ.update(no_proxy="127.0.0.1,localhost", NO_PROXY="127.0.0.1,localhost")
    sys.exit(main())
