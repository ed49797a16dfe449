"""The certificates of the test network, made anew by openssl at every run: one trusted authority, one that
nobody trusts, and a server certificate for every way to be good or bad."""
import os
import subprocess
import time

from topology import NAMES, ipv4, ipv6

BAD = ("expired", "not-yet-valid", "self-signed", "wrong-host", "untrusted")

CONFIGURATION = """
[ca]
default_ca = authority
[authority]
new_certs_dir = {directory}
database = {directory}/{issuer}.index
rand_serial = yes
default_md = sha256
default_days = 30
policy = anything
copy_extensions = copy
unique_subject = no
[anything]
commonName = supplied
[req]
distinguished_name = name
prompt = no
[name]
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = {names}
[client]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
"""


def _openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def _day(offset):
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + offset * 86400))


class Certificates:
    """Files in a directory: NAME.pem and NAME.key; root.pem is what the network trusts."""

    def __init__(self, directory):
        self.directory = directory
        os.makedirs(directory, exist_ok=True)
        self._root("root", "Test Network Root")
        self._root("stranger", "Stranger Root")
        self.leaf("good", _good_names())
        self.leaf("expired", ["expired.example"], days=(-30, -1))
        self.leaf("not-yet-valid", ["not-yet-valid.example"], days=(1, 30))
        self.leaf("wrong-host", ["elsewhere.example"])
        self.leaf("untrusted", ["untrusted.example"], issuer="stranger")
        self._self_signed("self-signed", "self-signed.example")
        self.leaf("client", ["client.example"], extensions="client")
        with open(self.path("identity.pem"), "w", encoding="ascii") as file:
            file.writelines(open(self.path(part), encoding="ascii").read() for part in ("client.pem", "client.key"))

    def path(self, name):
        return f"{self.directory}/{name}"

    def _configure(self, issuer, names):
        path = self.path("openssl.cnf")
        with open(path, "w", encoding="ascii") as file:
            file.write(CONFIGURATION.format(
                directory=self.directory, issuer=issuer,
                names=", ".join(f"IP:{n[3:]}" if n.startswith("IP:") else f"DNS:{n}" for n in names)))
        return path

    def _key(self, name):
        _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
                 "-out", self.path(f"{name}.key"))

    def _root(self, name, subject):
        self._key(name)
        open(self.path(f"{name}.index"), "w", encoding="ascii").close()
        _openssl("req", "-x509", "-config", self._configure(name, ["unused.example"]), "-extensions", "root",
                 "-key", self.path(f"{name}.key"), "-subj", f"/CN={subject}", "-days", "30",
                 "-out", self.path(f"{name}.pem"))

    def _self_signed(self, name, host):
        self._key(name)
        _openssl("req", "-x509", "-config", self._configure("root", [host]), "-extensions", "leaf",
                 "-key", self.path(f"{name}.key"), "-subj", f"/CN={host}", "-days", "30",
                 "-out", self.path(f"{name}.pem"))

    def leaf(self, name, names, issuer="root", days=(-1, 30), extensions="leaf"):
        self._key(name)
        configuration = self._configure(issuer, names)
        _openssl("req", "-new", "-config", configuration, "-key", self.path(f"{name}.key"),
                 "-subj", f"/CN={names[0]}", "-out", self.path(f"{name}.csr"))
        _openssl("ca", "-batch", "-notext", "-config", configuration, "-extensions", extensions,
                 "-cert", self.path(f"{issuer}.pem"), "-keyfile", self.path(f"{issuer}.key"),
                 "-startdate", _day(days[0]), "-enddate", _day(days[1]),
                 "-in", self.path(f"{name}.csr"), "-out", self.path(f"{name}.pem"))


def _good_names():
    """One certificate serves every name that is not there to be refused, and two addresses."""
    names = [name for name in NAMES if name.partition(".")[0] not in BAD]
    return names + [f"IP:{address(host)}" for host in (10, 40) for address in (ipv4, ipv6)]
