"""A device that connects to one address over and over."""
import socket
import threading
import time

from topology import inside


class Prober(threading.Thread):
    """Connects every millisecond from now on, until close(); says how often it got through and how often not."""

    def __init__(self, topology, address):
        super().__init__(daemon=True)
        self.topology, self.address = topology, address
        self.through, self.refused, self.other = 0, 0, []
        self.over = False
        self.start()

    def close(self):
        self.over = True
        self.join()

    def run(self):
        with inside(self.topology.device):
            while not self.over:
                self._probe()
                time.sleep(0.001)

    def _probe(self):
        one = socket.socket()
        one.settimeout(2)
        # Closed by a reset: a port in TIME_WAIT would be met again.
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        try:
            one.connect(self.address)
            self.through += 1
        except ConnectionRefusedError:
            self.refused += 1
        except OSError as error:
            self.other.append(str(error))
        finally:
            one.close()
