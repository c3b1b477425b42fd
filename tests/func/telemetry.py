#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Asks a DPDK telemetry socket and prints each answer, a line of JSON:  telemetry.py SOCKET COMMAND..."""
import socket
import sys

client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
client.settimeout(10)
client.connect(sys.argv[1])
client.recv(1024)  # version, pid
for command in sys.argv[2:]:
    client.send(command.encode())
    print(client.recv(65536).decode())
