"""A server of datagrams."""
import contextlib
import socket
import threading

from topology import inside


class Echo:
    """Answers each datagram with where it came from and what it said."""

    def __init__(self, namespace, address, port):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with inside(namespace):
            self._socket = socket.socket(family, socket.SOCK_DGRAM)
            self._socket.bind((address, port))
        self._socket.settimeout(0.2)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._answer, daemon=True)
        self._thread.start()

    def _answer(self):
        while not self._ending.is_set():
            with contextlib.suppress(TimeoutError, ConnectionError):
                said, peer = self._socket.recvfrom(65536)
                self._socket.sendto(peer[0].encode() + b" " + said, peer)

    def close(self):
        self._ending.set()
        self._thread.join()
        self._socket.close()
