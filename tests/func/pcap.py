#!/usr/bin/python3 -SB
# SPDX-License-Identifier: BSD-3-Clause
"""Reads captures of tcpdump for the demo and the functional tests.

pcap.py same SENT.pcap TO RECEIVED.pcap TO [--after EPOCH]   RTP of one stream, payloads byte for byte
pcap.py search PLAIN.pcap TO... -- WIRE.pcap                 pieces of the plain payload on the wire
pcap.py count FILE.pcap [--between A B] [--udp]              packets of a kind
pcap.py payload FILE.pcap TO OUT                             RTP payload in order of sequence numbers
An address TO is "ip:port" or "[ip]:port": where the packets go. Results are JSON on one line."""
import argparse
import ipaddress
import json
import struct
import sys


def frames(path):
    """Yields (time, frame) of a pcap file; a file cut short ends where it was cut."""
    with open(path, "rb") as f:
        data = f.read()
    if len(data) < 24:
        return
    magic = data[:4]
    order = "<" if magic in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    scale = 1e9 if magic in (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d") else 1e6
    at = 24
    while at + 16 <= len(data):
        seconds, fraction, length, _ = struct.unpack_from(order + "IIII", data, at)
        at += 16
        if at + length > len(data):
            return
        yield seconds + fraction / scale, data[at:at + length]
        at += length


def packet(frame):
    """(source, destination, protocol, transport bytes) of an Ethernet frame, or None."""
    kind, at = struct.unpack_from("!H", frame, 12)[0], 14
    while kind in (0x8100, 0x88A8):
        kind, at = struct.unpack_from("!H", frame, at + 2)[0], at + 4
    if kind == 0x0800 and len(frame) >= at + 20:
        header, total = (frame[at] & 15) * 4, struct.unpack_from("!H", frame, at + 2)[0]
        source, destination = frame[at + 12:at + 16], frame[at + 16:at + 20]
        return source, destination, frame[at + 9], frame[at + header:at + total]
    if kind == 0x86DD and len(frame) >= at + 40:
        total = struct.unpack_from("!H", frame, at + 4)[0]
        source, destination = frame[at + 8:at + 24], frame[at + 24:at + 40]
        return source, destination, frame[at + 6], frame[at + 40:at + 40 + total]
    return None


def udp(path):
    """Yields (time, (source, port), (destination, port), payload)."""
    for time, frame in frames(path):
        p = packet(frame)
        if p and p[2] == 17 and len(p[3]) >= 8:
            sport, dport, length = struct.unpack_from("!HHH", p[3])
            yield time, (p[0], sport), (p[1], dport), p[3][8:length]


def address(text):
    host, port = text.rsplit(":", 1)
    return ipaddress.ip_address(host.strip("[]")).packed, int(port)


def rtp(path, to):
    """{(ssrc, sequence number, extended): payload} and arrival times of the RTP packets that go to `to`."""
    packets, times, highest, duplicates = {}, [], {}, 0
    for time, _, destination, data in udp(path):
        if destination != to or len(data) < 12 or data[0] >> 6 != 2 or 192 <= data[1] <= 223:
            continue
        sequence, _, ssrc = struct.unpack_from("!HII", data, 2)
        last = highest.get(ssrc, sequence)
        extended = last + ((sequence - last + 0x8000) & 0xFFFF) - 0x8000
        highest[ssrc] = max(last, extended)
        duplicates += (ssrc, extended) in packets
        packets[ssrc, extended] = data[12 + (data[0] & 15) * 4:]
        times.append(time)
    return packets, times, duplicates


def same(args):
    sent, times, _ = rtp(args.sent, address(args.sent_to))
    received, received_times, duplicates = rtp(args.received, address(args.received_to))
    return {
        "sent": len(sent),
        "received": len(received),
        "lost": len(set(sent) - set(received)),
        "foreign": len(set(received) - set(sent)),
        "duplicates": duplicates,
        "different": sum(sent[k] != v for k, v in received.items() if k in sent),
        "bytes": sum(map(len, received.values())),
        "seconds": round(times[-1] - times[0], 2) if times else 0,
        "after": sum(t > args.after for t in received_times),
    }


def pieces(data, step):
    # 16 bytes of which at least four differ: silence proves nothing
    for at in range(0, len(data) - 15, step):
        piece = data[at:at + 16]
        if len(set(piece)) >= 4:
            yield piece


def search(args):
    plain = [piece for to in args.to for payload in rtp(args.plain, address(to))[0].values()
             for piece in pieces(payload, 16)]
    seen = set()
    wire = [frame for _, frame in frames(args.wire)]
    for frame in wire:
        seen.update(pieces(frame, 1))
    # The same search must find what is there: the plain capture is its own control
    control = set()
    for _, frame in frames(args.plain):
        control.update(pieces(frame, 1))
    return {"pieces": len(plain), "frames": len(wire), "found": sum(p in seen for p in plain),
            "control": sum(p in control for p in plain)}


def count(args):
    pair = {ipaddress.ip_address(a).packed for a in args.between} if args.between else None
    n = total = 0
    for _, frame in frames(args.file):
        total += 1
        p = packet(frame)
        if p and (not args.udp or p[2] == 17) and (not pair or {p[0], p[1]} == pair):
            n += 1
    return {"packets": n, "all": total}


def payload(args):
    packets = rtp(args.file, address(args.to))[0]
    with open(args.out, "wb") as f:
        for key in sorted(packets, key=lambda k: k[1]):
            f.write(packets[key])
    return {"packets": len(packets)}


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    c = commands.add_parser("same")
    for name in ("sent", "sent_to", "received", "received_to"):
        c.add_argument(name)
    c.add_argument("--after", type=float, default=0)
    c.set_defaults(run=same)
    c = commands.add_parser("search")
    c.add_argument("plain")
    c.add_argument("to", nargs="+")
    c.add_argument("--wire", required=True)
    c.set_defaults(run=search)
    c = commands.add_parser("count")
    c.add_argument("file")
    c.add_argument("--between", nargs=2)
    c.add_argument("--udp", action="store_true")
    c.set_defaults(run=count)
    c = commands.add_parser("payload")
    for name in ("file", "to", "out"):
        c.add_argument(name)
    c.set_defaults(run=payload)
    args = parser.parse_args()
    json.dump(args.run(args), sys.stdout)
    print()


main()
