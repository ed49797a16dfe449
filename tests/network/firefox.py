"""Firefox without a window, driven over its own Marionette protocol: JSON on a TCP port of the namespace it runs in."""
import json
import os
import socket
import subprocess
import time

from dialogue import Failure
from topology import inside

START, ANSWER = 60, 30  # seconds of patience
ABOUT_THE_CERTIFICATE = """
const info = document.getFailedCertSecurityInfo();
return { page: document.documentURI, code: info.errorCodeString, from: info.validNotBefore, until: info.validNotAfter,
         shown: info.certChainStrings[0] };
"""


class Firefox:
    """One running browser. profile is a directory that may hold an NSS database, port one for itself; close() ends it."""

    def __init__(self, topology, profile, home, port=2828):
        self._port = port
        with open(f"{profile}/user.js", "w", encoding="ascii") as file:
            file.write(f'user_pref("marionette.port", {port});\nuser_pref("app.normandy.enabled", false);\n'
                       'user_pref("network.captive-portal-service.enabled", false);\n')
        self._log = open(f"{profile}/firefox.log", "w", encoding="utf-8")
        self._process = subprocess.Popen(
            topology.command(topology.device, "env", f"HOME={home}", "firefox-esr", "--headless", "--no-remote",
                             "--marionette", "--remote-allow-system-access", "--profile", profile),
            stdout=self._log, stderr=self._log, start_new_session=True)
        self._number = 0
        try:
            self._stream = self._connect(topology.device).makefile("rwb")
            self._read()  # who it is
            self._tell("WebDriver:NewSession", capabilities={})
        except Exception:
            self.close()
            raise

    def _connect(self, namespace):
        deadline = time.monotonic() + START
        while True:
            try:
                with inside(namespace):
                    peer = socket.create_connection(("127.0.0.1", self._port), START)
                peer.settimeout(ANSWER)
                return peer
            except OSError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise Failure("Firefox does not start") from None
                time.sleep(0.1)

    def _read(self):
        length = b""
        while not length.endswith(b":"):
            more = self._stream.read(1)
            if not more:
                raise Failure("Firefox is gone")
            length += more
        return json.loads(self._stream.read(int(length[:-1])))

    def _ask(self, command, **parameters):
        """(error, value)"""
        self._number += 1
        text = json.dumps([0, self._number, command, parameters]).encode()
        self._stream.write(str(len(text)).encode() + b":" + text)
        self._stream.flush()
        return self._read()[2:]

    def _tell(self, command, **parameters):
        error, value = self._ask(command, **parameters)
        if error:
            raise Failure(f"Firefox, told {command}: {error['error']} {error['message']}")
        return value

    def open(self, url):
        """The page's text; None when Firefox shows an error of its own in its place."""
        error, _ = self._ask("WebDriver:Navigate", url=url)
        return None if error else self._run("return document.body.textContent")

    def error(self):
        """Of the certificate, as the page shows it: its address, the code of the error, the dates in milliseconds, the
        certificate itself (base64)."""
        return self._run(ABOUT_THE_CERTIFICATE)

    def _run(self, script):
        return self._tell("WebDriver:ExecuteScript", script=script, args=[], sandbox="system")["value"]

    def close(self):
        try:
            os.killpg(self._process.pid, 9)
        except ProcessLookupError:
            pass
        self._process.wait()
        self._log.close()
