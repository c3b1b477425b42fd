#!/usr/bin/python3 -SB
# SPDX-License-Identifier: BSD-3-Clause
"""One JSON-RPC request to a unix socket: rpc.py SOCKET METHOD [PARAMS]. Prints the result, or the
error object and exits 1."""
import json
import socket
import sys


class Client:
    def __init__(self, path, timeout=30):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")
        self.id = 0

    def call(self, method, params=None):
        self.id += 1
        return self.raw(json.dumps(
            {"jsonrpc": "2.0", "id": self.id, "method": method, "params": params or {}}).encode())

    def raw(self, line):
        """Sends a line as it is; the answer to the last request, or None if the server has closed."""
        self.socket.sendall(line + b"\n")
        while answer := self.file.readline():
            answer = json.loads(answer)
            if "method" not in answer:
                return answer
        return None


if __name__ == "__main__":
    reply = Client(sys.argv[1]).call(sys.argv[2], json.loads(sys.argv[3]) if len(sys.argv) > 3 else {})
    print(json.dumps(reply.get("result", reply.get("error"))))
    sys.exit("error" in reply)
