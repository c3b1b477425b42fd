#!/usr/bin/python3 -SB
# SPDX-License-Identifier: BSD-3-Clause
"""A local application that speaks plain RTP, for the demo and the functional tests.

rtp.py talk LOCAL REMOTE [--packets N] [--ms 20] [--linger 1]
    sends N packets (0: until SIGTERM) whose payload follows from their SSRC and sequence number, and
    checks by the same rule what comes back.
rtp.py record LOCAL REMOTE OUT [--idle 2]
    writes the payload of what comes in, in order; another socket may send from LOCAL meanwhile.
Both print `listening`, and one line of JSON at their end."""
import argparse
import hashlib
import json
import random
import signal
import socket
import struct
import time


def body(ssrc, sequence):
    return hashlib.shake_128(struct.pack("!IH", ssrc, sequence)).digest(160)


def address(text):
    host, port = text.rsplit(":", 1)
    return host.strip("[]"), int(port)


def open_socket(local, remote):
    s = socket.socket(socket.AF_INET6 if ":" in address(local)[0] else socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    s.bind(address(local))
    # Connected, it is the socket that the kernel prefers to another one on the same port
    s.connect(address(remote))
    print("listening", flush=True)
    return s


class Stop(Exception):
    pass


def on_signal(*_):
    raise Stop


class Receiver:
    def __init__(self):
        self.packets, self.duplicates, self.wrong = {}, 0, 0
        self.highest = {}

    def take(self, data, check):
        if len(data) < 12 or data[0] >> 6 != 2 or 192 <= data[1] <= 223:
            return
        sequence, _, ssrc = struct.unpack_from("!HII", data, 2)
        last = self.highest.get(ssrc, sequence)
        extended = last + ((sequence - last + 0x8000) & 0xFFFF) - 0x8000
        self.highest[ssrc] = max(last, extended)
        self.duplicates += (ssrc, extended) in self.packets
        self.wrong += check and data[12:] != body(ssrc, sequence)
        self.packets[ssrc, extended] = b"" if check else data[12 + (data[0] & 15) * 4:]

    def lost(self):
        lost = 0
        for ssrc in self.highest:
            numbers = [n for s, n in self.packets if s == ssrc]
            lost += max(numbers) - min(numbers) + 1 - len(numbers)
        return lost


def talk(args):
    s = open_socket(args.local, args.remote)
    s.setblocking(False)
    receiver, sent, errors = Receiver(), 0, 0
    ssrc, first = random.getrandbits(32), random.getrandbits(16)
    start = time.monotonic()

    def drain(until):
        while True:
            try:
                while True:
                    receiver.take(s.recv(4096), True)
            except BlockingIOError:
                pass
            except OSError:
                continue  # the other side's port is not there (ICMP)
            left = until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, 0.005))

    try:
        while args.packets == 0 or sent < args.packets:
            sequence = (first + sent) & 0xFFFF
            header = struct.pack("!BBHII", 0x80, 0, sequence, (sent * 160) & 0xFFFFFFFF, ssrc)
            try:
                s.send(header + body(ssrc, sequence))
                sent += 1
            except OSError:
                errors += 1
            drain(start + (sent + errors) * args.ms / 1000)
        drain(time.monotonic() + args.linger)
    except Stop:
        pass
    return {"sent": sent, "received": len(receiver.packets), "lost": receiver.lost(), "wrong": receiver.wrong,
            "duplicates": receiver.duplicates, "streams": len(receiver.highest), "errors": errors}


def record(args):
    s = open_socket(args.local, args.remote)
    receiver, last = Receiver(), None
    s.settimeout(0.1)
    try:
        while last is None or time.monotonic() - last < args.idle:
            try:
                receiver.take(s.recv(4096), False)
                last = time.monotonic()
            except (TimeoutError, ConnectionRefusedError):
                pass
    except Stop:
        pass
    with open(args.out, "wb") as f:
        for key in sorted(receiver.packets, key=lambda k: k[1]):
            f.write(receiver.packets[key])
    return {"received": len(receiver.packets), "lost": receiver.lost(), "duplicates": receiver.duplicates}


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    c = commands.add_parser("talk")
    c.add_argument("local")
    c.add_argument("remote")
    c.add_argument("--packets", type=int, default=0)
    c.add_argument("--ms", type=float, default=20)
    c.add_argument("--linger", type=float, default=1)
    c.set_defaults(run=talk)
    c = commands.add_parser("record")
    for name in ("local", "remote", "out"):
        c.add_argument(name)
    c.add_argument("--idle", type=float, default=2)
    c.set_defaults(run=record)
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    print(json.dumps(args.run(args)), flush=True)


main()
