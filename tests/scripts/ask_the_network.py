"""Run by path: tries to reach another machine, which the watcher of tests/journeys/test_network.py must see."""

import socket

if __name__ == "__main__":
    socket.create_connection(("127.0.0.1", 9))
