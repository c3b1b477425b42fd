#!/usr/bin/python3 -SB
# SPDX-License-Identifier: BSD-3-Clause
"""t_phone.sh: what surrounds a stock phone.

phone.py dns ADDRESS DOMAIN SERVER PORT    answers for DOMAIN: SIP over TLS is at PORT of SERVER
phone.py heard SPOKEN.ulaw HEARD.ulaw      how much of what was spoken was heard, in one piece"""
import ipaddress
import json
import os
import socket
import struct
import sys

A, SRV = 1, 33
FRAME = 160  # bytes of 20 ms


def labels(name):
    return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"


def question(query):
    """(name, type, its bytes) of the one question of a query."""
    at, parts = 12, []
    while query[at]:
        parts.append(query[at + 1:at + 1 + query[at]].decode())
        at += 1 + query[at]
    return ".".join(parts).lower(), struct.unpack_from("!H", query, at + 1)[0], query[12:at + 5]


def dns(address, domain, server, port):
    host = "access." + domain
    records = {
        ("_sips._tcp." + domain, SRV): struct.pack("!HHH", 0, 0, int(port)) + labels(host),
        (host, A): ipaddress.ip_address(server).packed,
    }
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((address, 53))
    print("listening", flush=True)
    while True:
        query, sender = s.recvfrom(4096)
        name, kind, asked = question(query)
        data = records.get((name, kind))
        answer = b"" if data is None else struct.pack("!HHHIH", 0xC00C, kind, 1, 60, len(data)) + data
        s.sendto(query[:2] + struct.pack("!HHHHH", 0x8580, 1, data is not None, 0, 0) + asked + answer, sender)


def heard(spoken, received):
    """The longest run of spoken frames that was heard one after the other. Silence (few values in a frame) finds
    nothing, but counts inside of a run."""
    with open(spoken, "rb") as f:
        spoken = f.read().replace(b"\x7f", b"\xff")  # both are zero
    with open(received, "rb") as f:
        received = f.read().replace(b"\x7f", b"\xff")
    best = at = 0
    while at + FRAME <= len(spoken):
        frame, n = spoken[at:at + FRAME], 0
        found = received.find(frame) if len(set(frame)) > 32 else -1
        if found >= 0:
            n = len(os.path.commonprefix([spoken[at:], received[found:]]))
        best = max(best, n)
        at += max(FRAME, n - n % FRAME)
    print(json.dumps({"spoken": len(spoken), "received": len(received), "same": best}))


{"dns": dns, "heard": heard}[sys.argv[1]](*sys.argv[2:])
