"""A proof: a case that is a small program, for what steps in a file cannot say. A file in tests/proofs holds one
or more classes of this kind; each is one test."""
import importlib.util
import os
import string
import sys

from case import Case, is_sanitized


def load_proofs(path):
    """The proofs of a file, in its order."""
    name = os.path.splitext(os.path.basename(path))[0]
    specification = importlib.util.spec_from_file_location(f"proofs.{name}", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return [kind(name) for kind in vars(module).values()
            if isinstance(kind, type) and issubclass(kind, Proof) and kind.__module__ == module.__name__ and kind.intent]


class Proof(Case):
    """intent and policy as in a case; prove() raises Failure. measured() is told to people."""

    intent = None
    policy = None
    origins = ()
    descriptors = None  # RLIMIT_NOFILE of the gateway
    workers = 2

    def __init__(self, file):
        self.name = f"{file}-{type(self).__name__.lower()}"
        self.missing = []
        self._way = None
        self.gateway = None
        self.figures = []

    def _load(self, values):
        self.gateway.descriptors = self.descriptors
        self.gateway.workers = self.workers
        self.sanitized = is_sanitized()
        return {"policy": string.Template(self.policy).safe_substitute(values), "origins": self.origins}

    def _do(self):
        sys.setswitchinterval(0.001)  # many threads that wait for the network
        self.prove()

    def prove(self):
        raise NotImplementedError

    def measured(self, text):
        self.figures.append(text)
