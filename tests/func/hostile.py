#!/usr/bin/python3 -SB
# SPDX-License-Identifier: BSD-3-Clause
"""t_hostile.sh: hostile.py INTERFACE CAPTURE TO. Takes the SRTP that goes to TO out of a capture and sends it again on
the interface, replayed and spoilt in every way, in bursts as fast as it can; prints how many of each kind."""
import collections
import ipaddress
import json
import os
import random
import socket
import struct
import sys
import time

ETH, IP, UDP = 14, 20, 8
SECONDS = 4
# A burst, and the pause after it: what overruns the port's ring is lost before anybody could tell good from bad
BURST, PAUSE = 512, 0.003


def frames_to(path, to):
    host, port = to.rsplit(":", 1)
    host, port = ipaddress.ip_address(host).packed, int(port)
    with open(path, "rb") as f:
        data = f.read()
    at, out = 24, []
    while at + 16 <= len(data):
        length = struct.unpack_from("<I", data, at + 8)[0]
        frame = data[at + 16:at + 16 + length]
        at += 16 + length
        if frame[30:34] == host and struct.unpack_from("!H", frame, 36)[0] == port:
            out.append(frame)
    return out


def checksum(header):
    total = sum(struct.unpack("!10H", header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def build(frame, payload=None, source=None, source_port=None, port=None, total=None, udp_length=None, fragment=0):
    """A frame like `frame`, with another payload, other addresses, or lengths that lie."""
    eth, ip, udp = bytearray(frame[:ETH]), bytearray(frame[ETH:ETH + IP]), bytearray(frame[ETH + IP:ETH + IP + UDP])
    payload = frame[ETH + IP + UDP:] if payload is None else payload
    if source:
        ip[12:16] = ipaddress.ip_address(source).packed
    if source_port:
        udp[0:2] = struct.pack("!H", source_port)
    if port:
        udp[2:4] = struct.pack("!H", port)
    ip[2:4] = struct.pack("!H", total or IP + UDP + len(payload))
    ip[6:8] = struct.pack("!H", fragment)
    ip[10:12] = b"\0\0"
    ip[10:12] = struct.pack("!H", checksum(bytes(ip)))
    udp[4:6] = struct.pack("!H", udp_length or UDP + len(payload))
    udp[6:8] = b"\0\0"
    return bytes(eth + ip + udp) + payload


def flip(frame):
    """One bit of payload or tag of a packet not seen yet."""
    p = bytearray(frame[ETH + IP + UDP:])
    p[2:4] = struct.pack("!H", (struct.unpack_from("!H", p, 2)[0] + random.randrange(2000, 20000)) & 0xFFFF)
    p[random.randrange(12, len(p))] ^= 1 << random.randrange(8)
    return build(frame, bytes(p))


KINDS = {
    "replayed": lambda f: f,
    "flipped": flip,
    "other ssrc": lambda f: build(f, f[42:50] + os.urandom(4) + f[54:]),
    "truncated": lambda f: build(f, f[42:42 + random.randrange(12, 28)]),
    "short": lambda f: build(f, f[42:42 + random.randrange(1, 12)]),
    "garbage": lambda f: build(f, bytes([random.randrange(192, 256)]) + os.urandom(random.randrange(20, 1400))),
    "random": lambda f: build(f, os.urandom(random.randrange(0, 1400))),
    "stun": lambda f: build(f, b"\0\1\0\0\x21\x12\xa4\x42" + os.urandom(12)),
    "other source": lambda f: build(f, source="10.77.0.99"),
    "other source port": lambda f: build(f, source_port=random.randrange(1024, 65536)),
    "no session": lambda f: build(f, port=20002),
    "length beyond the frame": lambda f: build(f, total=1500),
    "UDP length beyond the packet": lambda f: build(f, udp_length=1400),
    "UDP length too small": lambda f: build(f, udp_length=3),
    "fragment": lambda f: build(f, fragment=0x2000),
    "later fragment": lambda f: build(f, fragment=5),
    "header length": lambda f: f[:14] + bytes([0x40 | random.randrange(16)]) + f[15:],
    "cut frame": lambda f: f[:random.randrange(14, 42)],
    "csrc and extension": lambda f: build(f, bytes([0x9F]) + f[43:]),
}


def main():
    # The newest stay out: their replays would be told apart by luck
    good = frames_to(sys.argv[2], sys.argv[3])[:-20]
    if len(good) < 50:
        sys.exit("hostile: the capture holds too little SRTP")
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind((sys.argv[1], 0))
    bad = [(kind, make(random.choice(good))) for kind, make in KINDS.items() for _ in range(500)]
    random.shuffle(bad)
    sent = collections.Counter()
    start = time.monotonic()
    while time.monotonic() - start < SECONDS:
        for number, (kind, frame) in enumerate(bad):
            if number % BURST == 0:
                time.sleep(PAUSE)
            try:
                s.send(frame)
                sent[kind] += 1
            except OSError:
                sent["not sent"] += 1
    seconds = time.monotonic() - start
    print(json.dumps({"packets a second": int(sum(sent.values()) / seconds), **sent}))


main()
