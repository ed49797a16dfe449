"""Chromium on the device, and the site that it opens there, by Caddy."""
import os
import shutil
import subprocess
import time

from proof import Proof


class Browsing(Proof):
    """What is browsed is browse_all()'s."""

    intent = None
    LONG = 1000000  # bytes at /long
    CADDY = """{{
	admin off
	auto_https off
	servers {{
		protocols h1 h3
	}}
}}
scripted.example:443 {{
	bind 198.51.100.40 2001:db8:2::40
	tls {certificate} {key}
	handle /said {{
		respond "spoken {{http.request.proto}}"
	}}
	handle /long {{
		respond "spoken {{http.request.proto}} {padding}"
	}}
	handle {{
		root * {directory}
		file_server
	}}
}}
"""
    PAGE = """<body><script>(async () => {
	let said = [];
	for (let i = 0; i < 3; i++) {
		said.push(await (await fetch("/said", { cache: "no-store" })).text());
		await new Promise(done => setTimeout(done, 200));
	}
	document.body.textContent = said.join();
})()</script></body>
"""

    def __init__(self, file):
        super().__init__(file)
        self.missing = [one for one in ("chromium", "caddy", "certutil") if not shutil.which(one)]
        self._profiles = 0

    def prove(self):
        path = f"{self.directory}/Caddyfile"
        with open(path, "w", encoding="ascii") as file:
            file.write(self.CADDY.format(certificate=self.network.certificates.path("good.pem"), key=self.network.certificates.path("good.key"),
                                         directory=f"{self.directory}/site", padding="x" * self.LONG))
        os.makedirs(f"{self.directory}/site")
        with open(f"{self.directory}/site/index.html", "w", encoding="ascii") as file:
            file.write(self.PAGE)
        command = ["env", f"HOME={self.directory}", "caddy", "run", "--config", path, "--adapter", "caddyfile"]
        with subprocess.Popen(self.network.topology.command(self.network.topology.server, *command),
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as caddy:
            try:
                self.trust_root(self.network.certificates.path("root.pem"))
                time.sleep(1)
                self.browse_all()
            finally:
                caddy.kill()

    def trust_root(self, root):
        store = f"{self.directory}/.pki/nssdb"
        subprocess.run(f"mkdir -p {store}; test -e {store}/cert9.db || certutil -d sql:{store} -N --empty-password; "
                       f"certutil -d sql:{store} -A -t C,, -n {os.path.basename(root)} -i {root}", shell=True, check=True, env={"HOME": self.directory, "PATH": "/usr/bin:/bin"})

    def browse_all(self):
        raise NotImplementedError

    def change(self, rule):
        """The policy with one more rule."""
        self.gateway.put_in_force(f"{self.policy}  - {rule}\n")

    def browse(self, *arguments):
        """What a new Chromium shows, as HTML."""
        self._profiles += 1
        topology = self.network.topology
        return subprocess.run(topology.command(
            topology.device, "env", f"HOME={self.directory}", "timeout", "30", "chromium", "--headless", "--no-sandbox", "--disable-gpu",
            "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
            f"--user-data-dir={self.directory}/profile-{self._profiles}", "--virtual-time-budget=5000", "--dump-dom", *arguments),
                              capture_output=True, text=True, check=False).stdout
