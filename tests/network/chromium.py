"""Chromium without a window, driven by its developer tools' own protocol."""
import json
import os
import select
import subprocess
import sys

from dialogue import Failure

SECONDS = 40
# Where the browser wants its pipes.
AS_3_AND_4 = """
import os, sys
for number, pipe in ((100, sys.argv[1]), (101, sys.argv[2])):
	os.dup2(int(pipe), number)
os.dup2(100, 3)
os.dup2(101, 4)
os.execvp(sys.argv[3], sys.argv[3:])
"""


class Chromium:
    """Told what to do through a pair of pipes (--remote-debugging-pipe): JSON with a NUL behind it."""

    def __init__(self, directory, prefix=()):
        """prefix: a command that runs it, in a namespace for one."""
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        words = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-pipe",
                 f"--user-data-dir={directory}", "about:blank"]
        self._process = subprocess.Popen(
            [*prefix, sys.executable, "-c", AS_3_AND_4, str(theirs_in), str(theirs_out), *words], pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "HOME": directory})
        os.close(theirs_in)
        os.close(theirs_out)
        self._buffer, self._last = b"", 0
        self.events = []  # what it has told by itself

    def call(self, method, session=None, **parameters):
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters, **({"sessionId": session} if session else {})}
        os.write(self._out, json.dumps(message).encode("utf-8") + b"\0")
        while (answer := self._next()).get("id") != self._last:
            self.events.append(answer)
        if "error" in answer:
            raise Failure(f"Chromium, {method}: {answer['error']}")
        return answer["result"]

    def _next(self):
        while b"\0" not in self._buffer:
            if not select.select([self._in], [], [], SECONDS)[0]:
                raise Failure("Chromium says nothing")
            data = os.read(self._in, 65536)
            if not data:
                raise Failure("Chromium has ended")
            self._buffer += data
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)

    def open(self, url):
        """A new page; its session."""
        target = self.call("Target.createTarget", url=url)["targetId"]
        return self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def evaluate(self, session, expression):
        """What the expression comes to in the page."""
        answer = self.call("Runtime.evaluate", session, expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise Failure(f"Chromium, {expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def close(self):
        self._process.kill()
        self._process.wait()
        os.close(self._in)
        os.close(self._out)
