"""The console in a real browser, and beside visitors who mean it no good."""
import base64
import os
import shutil
import socket
import string
import subprocess
import tempfile
import time
import urllib.request

from chromium import Chromium
from dialogue import Failure
from proof import Proof
from topology import inside
from vitals import proportional

SECONDS = 30
AT = "192.0.2.1:8090"
# What a device, or a list of a stranger's, would like to be more than text. U+202E turns the rest of a line around.
MARKUP = "<img/src=x/onerror=document.body.dataset.owned=1>"
REPORT = "addEventListener('securitypolicyviolation', event => document.documentElement.dataset.violation = event.violatedDirective)"


class Page(Proof):
    intent = "The owner's page works in Chromium: what is blocked appears live and says why, and what devices say stays text"
    policy = """
console: { listen: 192.0.2.1:8090 }
lists:
  strange: { names: $DIRECTORY/strange.txt }
devices:
  tv: { address: 192.0.2.10 }
rules:
  - { name: no ads, when: { host: list strange }, do: block, log: exchanges }
  - { name: look, when: { host: good.example }, do: inspect, log: exchanges }
"""

    def __init__(self, file):
        super().__init__(file)
        self.missing = [] if shutil.which("chromium") else ["chromium"]

    def _load(self, values):
        with open(f"{self.gateway.directory}/strange.txt", "w", encoding="utf-8") as file:
            file.write(f"0.0.0.0 ads.example # {MARKUP}\N{RIGHT-TO-LEFT OVERRIDE}\n")
        return super()._load(values)

    def prove(self):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
            topology = self.network.topology
            self._chromium = Chromium(directory, topology.command(topology.device))
            try:
                self._look()
            finally:
                self._chromium.close()

    def _look(self):
        self._session = self._chromium.open("about:blank")
        self._call("Page.enable")
        self._call("Page.addScriptToEvaluateOnNewDocument", source=REPORT)
        self._strangers_see_nothing()
        self._the_owner_is_let_in()
        self._a_blocked_request_appears()
        self._markup_stays_text()
        self._the_keyboard_is_enough()
        self._lists_and_rules()
        self._it_follows_a_restart()
        self._sign_out()
        self._plain_http_is_no_place_for_a_token()
        if self._page("document.documentElement.dataset.violation || null"):
            raise Failure(f"the page breaks its own policy: {self._page('document.documentElement.dataset.violation')}")

    def _call(self, method, **parameters):
        return self._chromium.call(method, self._session, **parameters)

    def _page(self, expression):
        return self._chromium.evaluate(self._session, expression)

    def _await(self, expression, complaint):
        until = time.monotonic() + SECONDS
        while not (found := self._page(expression)):
            if time.monotonic() > until:
                raise Failure(f"{complaint}; the page shows: {self._page('document.body.innerText')[:1500]}")
            time.sleep(0.05)
        return found

    def _text(self, selector):
        return f"((document.querySelector({selector!r}) || {{}}).innerText || '')"

    def _link(self):
        return self.gateway.control("console").stdout.split()[0]

    def _device(self, *words):
        subprocess.run(self.network.topology.command(self.network.topology.device, *words), check=False, timeout=SECONDS,
                       capture_output=True)

    def _picture(self, name):
        """For people: PICTURES=directory."""
        if directory := os.environ.get("PICTURES"):
            for scheme in ("light", "dark"):
                for kind, width in (("wide", 1100), ("phone", 390)):
                    self._call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
                    self._call("Emulation.setDeviceMetricsOverride", width=width, height=820, deviceScaleFactor=1, mobile=kind == "phone")
                    data = self._call("Page.captureScreenshot")["data"]
                    with open(f"{directory}/{name}-{kind}-{scheme}.png", "wb") as file:
                        file.write(base64.b64decode(data))
            self._call("Emulation.clearDeviceMetricsOverride")

    # -- the story

    def _strangers_see_nothing(self):
        self._call("Page.navigate", url=f"http://{AT}/#0123456789abcdef0123456789abcdef")
        self._await(f"{self._text('#refused')}.includes('not the gateway')", "a wrong token is not refused")
        if self._page("location.hash.includes('abcdef') || !document.querySelector('#sign-in').offsetHeight"):
            raise Failure("a wrong token leaves no way to show another")
        self._picture("sign-in")

    def _the_owner_is_let_in(self):
        self._call("Page.navigate", url="about:blank")
        self._call("Network.enable")
        self._call("Page.navigate", url=self._link())
        self._await(f"{self._text('#state')} === '✓ works'", "the owner is not told that it works")
        self._await(f"{self._text('#processes')}.includes('recorder')", "there are no processes")
        if not self._has_shown_token():
            raise Failure("Chromium does not tell that the page shows its token")
        if self._page("location.href").count("#overview") != 1:
            raise Failure("the token stays in the address line")

    def _a_blocked_request_appears(self):
        self._device("curl", "-s4", "--path-as-is", f"http://ads.example/{MARKUP}")
        self._await(f"{self._text('#blocked')}.includes('ads.example')", "what was blocked does not appear by itself")
        self._await(f"{self._text('#blocked')}.includes('tv')", "the device is not named")
        self._device("curl", "-sk4", "--path-as-is", f"https://good.example/{MARKUP}")
        self._picture("overview")

    def _markup_stays_text(self):
        self._page("location.hash = 'journal'")
        self._await(f"{self._text('#journal-lines')}.includes({MARKUP!r})", "the path is not shown as it is")
        if self._page("document.body.dataset.owned || document.querySelectorAll('img, main script').length || 0"):
            raise Failure("what a device sent became markup")

    def _press(self, key, text=""):
        for kind in ("keyDown", "keyUp"):
            self._call("Input.dispatchKeyEvent", type=kind, key=key, code=key, text=text if kind == "keyDown" else "",
                       windowsVirtualKeyCode=13 if key == "Enter" else 0)

    def _the_keyboard_is_enough(self):
        self._press("/", "/")
        self._call("Input.insertText", text="no ads")
        self._await("[...document.querySelectorAll('#journal-lines summary')].every(line => line.innerText.includes('no ads'))",
                    "the filter lets others through")
        self._page("document.querySelector('#journal-lines summary').focus()")
        self._press("Enter", "\r")
        self._await(f"/no ads.*headgate.yaml:\\d+/s.test({self._text('#journal-lines .why')})", "the rule is not named")
        self._await(f"{self._text('#journal-lines .why')}.includes('strange.txt')", "the list's entry is not named")
        self._picture("journal")

    def _lists_and_rules(self):
        self._page("location.hash = 'connections'")
        self._await(f"{self._text('#connections-count')}", "there is no word about connections")
        self._page("location.hash = 'rules'")
        self._await(f"{self._text('#rule-table')}.includes('no ads')", "there are no rules")
        self._picture("rules")
        self._page("location.hash = 'lists'")
        self._await(f"{self._text('#list-table')}.includes('strange')", "there are no lists")
        self._page("document.querySelector('#what').value = 'ads.example'; document.querySelector('#search').requestSubmit()")
        self._await(f"{self._text('#found')}.includes({MARKUP!r})", "the entry is not shown as it stands in the list")
        if self._page("document.body.dataset.owned || document.querySelectorAll('img').length || 0"):
            raise Failure("what stands in a list became markup")
        if self._page("document.body.innerText.includes('\\u202e')"):
            raise Failure("what stands in a list turns the line around")
        self._picture("lists")
        self._page("location.hash = 'certificate'")
        self._picture("certificate")

    def _it_follows_a_restart(self):
        self._page("location.hash = 'overview'")
        self.gateway.kill("console", 9)
        self._device("curl", "-s", "http://ads.example/again")
        self._await("[...document.querySelectorAll('#blocked .host')].filter(host => host.innerText.includes('ads.example')).length >= 2",
                    "after the console's end the page does not go on")

    def _sign_out(self):
        self._page("document.querySelector('#sign-out').click()")
        if self._page("localStorage.length || document.body.innerText.includes('ads.example')"):
            raise Failure("who has signed out leaves something behind")

    # -- where there is TLS

    def _has_shown_token(self):
        return any("'Authorization': 'Bearer" in str(event) for event in self._chromium.events)

    def _plain_http_is_no_place_for_a_token(self):
        """The page asks whether it is one before it shows the token; the certificate is there all the same."""
        self.gateway.write_policy(string.Template(self.policy.replace("8090 }", "8090, tls: true }")).substitute(
            DIRECTORY=self.gateway.directory))
        if self.gateway.control("reload").returncode:
            raise Failure("the policy with TLS is not taken")
        link = self._link()
        if not link.startswith("https://"):
            raise Failure(f"the link is {link}")
        self._device("curl", "-sS", "--retry", "20", "--retry-connrefused", "--retry-delay", "0", "-o", "/dev/null", f"http://{AT}/")
        self._call("Page.navigate", url="about:blank")
        self._chromium.events.clear()
        self._call("Page.navigate", url=link.replace("https", "http"))
        self._await(f"{self._text('#refused')}.includes('https://')", "over plain HTTP the page does not say where to go")
        if self._has_shown_token():
            raise Failure("the page shows its token over plain HTTP")
        self._page("location.hash = 'certificate'")
        self._await("document.querySelector('#certificate').offsetHeight > 0", "the certificate cannot be had")


class Visitors(Proof):
    intent = "Neither a thousand silent connections nor slow requests keep the owner out of the console, or make it grow"
    policy = """
console: { listen: 192.0.2.1:8090 }
rules: []
"""
    MANY = 1000
    HELD_MAX = 32 + 32      # visitors, and what the process holds besides
    GROWTH_MAX = 1 << 20    # bytes

    def prove(self):
        self._open = []
        self._token = self.gateway.control("console").stdout.split()[0].partition("#")[2]
        self._owner_is_served()
        before = self._memory()
        try:
            self._slow_requests_end()
            for _ in range(self.MANY):
                self._connect(b"GET /api/status HTTP/1.1\r\n")
            for _ in range(5):
                self._owner_is_served()
            self._hold_little(before)
        finally:
            for each in self._open:
                each.close()
        self._many_requests_at_once()
        self._owner_is_served()

    def _pid(self):
        return self.gateway.processes()["console"][0]

    def _memory(self):
        return 1024 * proportional(self._pid())

    def _connect(self, data):
        with inside(self.network.topology.device):
            connection = socket.socket()
        connection.settimeout(SECONDS)
        self._open.append(connection)
        connection.connect(("192.0.2.1", 8090))
        try:
            connection.sendall(data)
        except OSError:
            pass  # it has been shown out already
        return connection

    def _owner_is_served(self):
        """As a browser does, again where its connection made room for others before it had shown the token."""
        request = urllib.request.Request(f"http://{AT}/api/status", headers={"Authorization": f"Bearer {self._token}"})
        until = time.monotonic() + SECONDS
        while True:
            try:
                with inside(self.network.topology.device), urllib.request.urlopen(request, timeout=5) as answer:
                    if b'"end":true,"status":0' in answer.read():
                        return
            except OSError as error:
                if time.monotonic() > until:
                    raise Failure(f"the owner is not served: {error}") from None

    def _hold_little(self, before):
        held, grown = len(os.listdir(f"/proc/{self._pid()}/fd")), self._memory() - before
        self.measured(f"{self.MANY} silent connections: {held} descriptors, {grown >> 10} KB more, {before >> 10} KB before")
        if held > self.HELD_MAX:
            raise Failure(f"the console holds {held} descriptors")
        if grown > self.GROWTH_MAX and not self.sanitized:
            raise Failure(f"the console has grown by {grown} bytes")

    def _slow_requests_end(self):
        """A head has ten seconds, whatever comes of it meanwhile; others are served."""
        slow = [self._connect(b""), self._connect(b"GET / HTTP/1.1\r\nX: ")]
        until = time.monotonic() + SECONDS
        for each in slow:
            each.settimeout(0.5)
        while slow:
            if time.monotonic() > until:
                raise Failure(f"a request that never comes is waited for after {SECONDS} s")
            slow = [each for each in slow if self._is_held(each)]
            self._owner_is_served()

    @staticmethod
    def _is_held(connection):
        try:
            connection.sendall(b"x")
            return bool(connection.recv(1))
        except TimeoutError:
            return True
        except OSError:
            return False

    def _many_requests_at_once(self):
        one = f"GET /console.css HTTP/1.1\r\nHost: {AT}\r\n\r\n".encode("ascii")
        with inside(self.network.topology.device), socket.create_connection(("192.0.2.1", 8090), SECONDS) as connection:
            connection.settimeout(SECONDS)
            connection.sendall(50 * one + one.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            data = b"".join(iter(lambda: connection.recv(65536), b""))
        if data.count(b"HTTP/1.1 200 OK") != 51:
            raise Failure(f"{data.count(b'HTTP/1.1 200 OK')} of 51 requests that came at once were answered")
