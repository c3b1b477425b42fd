#!/usr/bin/python3 -SB
# SPDX-License-Identifier: BSD-3-Clause
"""t_decode.sh: what tshark made of a capture: decode_check.py FILE.pdml."""
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter

from sipclient import check

AGENT, BOB, SERVER = "10.77.0.2", "10.77.0.3", "10.77.0.1"
# Who says what to whom. Between agent and server stands the relay, at bob's address
EXPECTED = {
    AGENT: "REGISTER PUBLISH INVITE ACK BYE CANCEL "
           "180/INVITE 200/INVITE 603/INVITE 487/INVITE 488/INVITE 200/CANCEL 200/BYE 481/BYE 200/OPTIONS "
           "200/PUBLISH 401/PUBLISH 404/PUBLISH",
    SERVER: "401/REGISTER 200/REGISTER 200/OPTIONS 405/MESSAGE 401/INVITE 302/INVITE 403/INVITE",
    BOB: "REGISTER PUBLISH INVITE ACK BYE CANCEL OPTIONS 200/PUBLISH 200/INVITE",
}
BODIES = [(AGENT, "sdp"), (AGENT, "xml"), (SERVER, "json"), (AGENT, "sdp.crypto.crypto_suite", "AEAD_AES_128_GCM"),
          (AGENT, "sdp.crypto.crypto_suite", "AES_CM_128_HMAC_SHA1_80"), (AGENT, "presence"),
          *((SERVER, "json.key", key) for key in ("version", "token", "jwks", "profile", "routes", "x5t#S256")),
          (AGENT, "sip.auth.scheme", "Digest"), (AGENT, "sip.auth.scheme", "Bearer"),
          (SERVER, "sip.auth.scheme", "Digest")]
WARN = 0x00600000  # PI_WARN; above it PI_ERROR


def packets(path):
    for _, packet in ElementTree.iterparse(path):
        if packet.tag == "packet":
            yield packet
            packet.clear()


def values(node, name):
    return [f.get("show") for f in node.iter("field") if f.get("name") == name]


def complaints(packet):
    """What the decoder finds wrong above TCP and UDP."""
    for proto in packet.iter("proto"):
        if proto.get("name") == "_ws.malformed":
            yield "malformed"
        if proto.get("name") in ("sip", "sdp", "json", "xml", "presence", "tls", "srtp", "rtp"):
            for expert in proto.iter("field"):
                if expert.get("name") == "_ws.expert" and int(values(expert, "_ws.expert.severity")[0]) >= WARN:
                    yield proto.get("name") + ": " + values(expert, "_ws.expert.message")[0]


def kind_of(sip):
    """REGISTER, or 200/REGISTER."""
    status, method = values(sip, "sip.Status-Code"), values(sip, "sip.Method")
    return f"{status[0]}/{values(sip, 'sip.CSeq.method')[0]}" if status else method[0] if method else "?"


def read(path):
    """By source address: messages; what their bodies hold; complaints; records of TLS without a message in them."""
    messages, bodies, wrong, not_read = Counter(), Counter(), Counter(), Counter()
    for packet in packets(path):
        if not (ip := values(packet, "ip.src")):
            continue
        ip = ip[0]
        protos = list(packet.iter("proto"))
        names = [p.get("name") for p in protos]
        wrong.update((ip, text) for text in complaints(packet))
        messages.update((ip, kind_of(p)) for p in protos if p.get("name") == "sip")
        for field in ("sdp.crypto.crypto_suite", "json.key", "sip.auth.scheme"):
            bodies.update((ip, field, value) for value in values(packet, field))
        bodies.update((ip, name) for name in names if name in ("sdp", "json", "xml", "presence"))
        not_read[ip] += bool(values(packet, "tls.app_data")) and "sip" not in names
    return messages, bodies, wrong, not_read


def media(path):
    """What the agent's engine sent, as (version, SSRC, sequence number); and SRTCP."""
    rtp, rtcp = [], []
    for packet in packets(path):
        if values(packet, "ip.src") != [AGENT]:
            continue
        if values(packet, "rtp.version"):
            rtp.append((int(values(packet, "rtp.version")[0]), int(values(packet, "rtp.ssrc")[0], 0),
                        int(values(packet, "rtp.seq")[0])))
        if values(packet, "rtcp.version"):
            rtcp.append(tuple(int(values(packet, name)[0], 0) for name in
                              ("rtcp.version", "rtcp.pt", "rtcp.length", "rtcp.senderssrc", "srtcp.e", "srtcp.index")))
    return rtp, rtcp


messages, bodies, wrong, not_read = read(sys.argv[1])
for ip, expected in EXPECTED.items():
    seen = {kind: n for (source, kind), n in messages.items() if source == ip}
    print(ip, seen)
    check(f"kinds of messages from {ip} that were not seen", sorted(set(expected.split()) - set(seen)), [])
check("messages not understood", [k for k in messages if k[1] == "?"], [])
check("packets that were decrypted to something else", {k: n for k, n in not_read.items() if n}, {})
check("complaints", dict(wrong), {})
for what in BODIES:
    check(f"times {what}", bodies[what] > 0, True)
rtp, rtcp = media(sys.argv[1])
check("RTP as the application sent it", rtp == [(2, 0xC0FFEE, 1000 + n) for n in range(50)] or rtp, True)
check("SRTCP: version, type, length, SSRC, E flag, index", rtcp, [(2, 200, 6, 0xC0FFEE, 1, 1)])
