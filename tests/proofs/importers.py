"""HTTP archives in the importers of others: Chromium's developer tools (their own importer, asked in the tools' own page) and
mitmproxy, where it reads archives, as it does from 10.1 on."""
import json
import re
import shutil
import subprocess
import tempfile
import time

from chromium import Chromium
from dialogue import Failure
from proof import Proof

SECONDS = 40
IMPORT = """
import('./models/har/har.js').then(har => {
	const log = new har.HARFormat.HARRoot(JSON.parse(%s)).log;
	return har.Importer.Importer.requestsFromHARLog(log).map(request => [request.requestMethod, request.url(), request.statusCode,
		request.requestHeaders().length, request.responseHeaders.length, Math.round(1000 * request.duration)]);
})
"""


class Importers(Proof):
    intent = "An HTTP archive is taken by the importer of Chromium's developer tools, every exchange as it was"
    policy = """
traces: { directory: $DIRECTORY/traces }
rules:
  - { name: route, when: { host: ads.example, path: "/*" }, do: { route: { server: "198.51.100.40:81" } }, capture: har }
  - { name: look, when: { host: [good.example, h2.example], path: "/*" }, do: inspect, capture: har }
"""

    def __init__(self, file):
        super().__init__(file)
        self.missing = [] if shutil.which("chromium") else ["chromium"]

    def prove(self):
        for words in (["http://good.example/one?a=b&c"], ["http://ads.example/two"], ["--http2", "https://h2.example/three"],
                      ["-H", "X-A: 1", "-H", "X-A: 2", "-d", "a body", "http://good.example/four"]):
            subprocess.run(self.network.topology.command(
                self.network.topology.device, "curl", "-sS", "-4", "-o", "/dev/null", "--cacert", self._trust("gateway"), *words),
                check=True, timeout=SECONDS)
        text = self._archive(4)
        wanted = [[entry["request"]["method"], entry["request"]["url"], entry["response"]["status"],
                   len(entry["request"]["headers"]), len(entry["response"]["headers"]), round(entry["time"])]
                  for entry in json.loads(text)["log"]["entries"]]
        found = self._imported(text)
        if found != wanted or len(found) != 4:
            raise Failure(f"the developer tools find {found}, and there is {wanted}")
        self.measured(f"Chromium's developer tools: {len(found)} of {len(wanted)} entries, as they are")
        self._mitmproxy(len(wanted))

    def _archive(self, count):
        path = f"{self.gateway.directory}/traces/requests.har"

        def whole():
            with open(path, encoding="utf-8") as file:
                text = file.read()
            return text if text.count('"startedDateTime"') == count else None
        return self._await(whole, "the archive is not whole")

    @staticmethod
    def _await(what, complaint):
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            try:
                if found := what():
                    return found
            except (OSError, ValueError):
                pass
            time.sleep(0.05)
        raise Failure(complaint)

    @staticmethod
    def _imported(text):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
            chromium = Chromium(directory)
            try:
                target = chromium.call("Target.createTarget", url="devtools://devtools/bundled/devtools_app.html")["targetId"]
                session = chromium.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
                until = time.monotonic() + SECONDS
                # Until their page is there it has nothing to import with.
                while "exceptionDetails" in (answer := chromium.call(
                        "Runtime.evaluate", session, expression=IMPORT % json.dumps(text), awaitPromise=True, returnByValue=True)):
                    if time.monotonic() > until:
                        raise Failure(f"the developer tools: {answer['exceptionDetails']}")
                    time.sleep(0.1)
            finally:
                chromium.close()
        return answer["result"]["value"]

    def _mitmproxy(self, count):
        said = subprocess.run(["mitmdump", "--version"], capture_output=True, text=True).stdout if shutil.which("mitmdump") else ""
        version = re.search(r"Mitmproxy: (\d+)\.(\d+)", said)
        if not version or (int(version[1]), int(version[2])) < (10, 1):
            self.measured(f"mitmproxy {version[0].split()[1] if version else 'is not there'}: no archives before 10.1, not tried")
            return
        flows = subprocess.run(["mitmdump", "-n", "-r", f"{self.gateway.directory}/traces/requests.har"], capture_output=True,
                               text=True, timeout=SECONDS).stdout
        if flows.count(" << ") != count:
            raise Failure(f"mitmproxy finds something else: {flows[-500:]}")
        self.measured(f"mitmproxy: {count} flows")
