#!/usr/bin/python3 -SB
# SPDX-License-Identifier: BSD-3-Clause
"""t_notify.sh: the peers of an agent: what it notifies, whom it believes, how it is reached without the server."""
import glob
import json
import os
import re
import signal
import socket
import ssl
import sys
import time

from rpc import Client
from sipclient import Connection, Endpoint, aor, check, decode_token, pidf, bearer

server, ca, folder, access_pid = sys.argv[1:5]
FRANK, SILENT, ALICE = "10.77.0.3:7001", "10.77.0.3:7002", "10.77.0.2:5061"


def login(user, contact=None):
    e = Endpoint(user, open(f"{folder}/{user}.password").readline().rstrip("\n"), server, ca=ca, contact=contact)
    check(f"{user} logs in", e.login().status, 200)
    return e


class Listener:
    """Frank's side of mutual TLS: takes connections whose certificate is that of the agent of host a."""

    def __init__(self, certificate):
        self.certificate = certificate
        self.socket = socket.create_server(("10.77.0.3", 7001))
        self.connection = None

    def receive(self, timeout):
        """The next request on the agent's connection, or None."""
        self.socket.settimeout(timeout)
        if self.connection is None:
            try:
                plain, _ = self.socket.accept()
            except TimeoutError:
                return None
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate.path + ".crt", self.certificate.path + ".key")
            context.verify_mode = ssl.CERT_REQUIRED
            for path in agent_certificates():
                context.load_verify_locations(path)
            c = Connection.__new__(Connection)
            c.tls, c.buffer, c.all = context.wrap_socket(plain, server_side=True), b"", b""
            self.connection = c
        message = self.connection.receive(timeout)
        if self.connection.closed:
            self.connection = None
        return message

    def accept_publish(self, timeout=10):
        message = self.receive(timeout) or self.receive(timeout)
        check("frank gets a request", message and message.method, "PUBLISH")
        self.connection.answer(message, headers=["SIP-ETag: f1", "Expires: 600"])
        return message


def agent_certificates():
    return [p for p in glob.glob(f"{folder}/state-a/*") if b"BEGIN CERTIFICATE" in open(p, "rb").read()]


def peer(name):
    peers = Client(f"{folder}/agent-a.sock").call("peer.list", {"endpoint": aor("alice")})["result"]["peers"]
    return next((p for p in peers if p["aor"] == aor(name)), None)


def becomes(name, status, seconds):
    start = time.monotonic()
    while peer(name)["status"] != status and time.monotonic() - start < seconds:
        time.sleep(0.05)
    check(f"alice's peer {name} after {time.monotonic() - start:.1f} s", peer(name)["status"], status)


frank, eve, bob = login("frank", FRANK), login("eve"), login("bob", SILENT)
check("frank's profile", frank.profile(), {aor("alice"): "offline"})
listener = Listener(frank.certificate)
silent = socket.create_server(("10.77.0.3", 7002))  # takes connections, says nothing
open(f"{folder}/peers.ready", "w").close()

# C5: the newcomer itself notifies, once, and only whom it may
publish = listener.accept_publish()
began = time.monotonic()
check("notified by", re.search(r"<(.*?)>", publish.headers["from"])[1], aor("alice"))
check("event", publish.headers["event"], "presence")
check("expires", int(publish.headers["expires"]) > 0, True)
_, claims = decode_token(publish.headers["authorization"].split()[1])
check("token of", claims["sub"], aor("alice"))
body = publish.body.decode()
check("says open", "<basic>open</basic>" in body, True)
contact = re.search(r"<contact[^>]*>(.*?)</contact>", body)[1]
check("says where", re.search(r"@(.*?);", contact)[1], ALICE)
check("further notifications", listener.receive(1), None)
check("confirmed by frank", (peer("frank")["status"], peer("frank")["confirmed"]), ("online", True))

# Somebody asks: notified anew, and the answer is frank's
asking = Client(f"{folder}/agent-a.sock")
asking.socket.sendall(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "peer.notify", "params": {
    "endpoint": aor("alice"), "peer": aor("frank")}}).encode() + b"\n")
again = listener.accept_publish()
check("a refresh", (again.headers["sip-if-match"], again.body), ("f1", b""))
result = json.loads(asking.file.readline())["result"]
check("peer.notify frank", (result["answer"], result["response"], result["status"]), ("accepted", 200, "online"))
check(f"took {result['took_ms']:.1f} ms", 0 < result["took_ms"] < 10000, True)

# R1: who does not answer in time is unreachable, until he speaks
becomes("bob", "unreachable", 4)
check(f"within the time set ({time.monotonic() - began:.1f} s)", time.monotonic() - began < 4, True)
result = asking.call("peer.notify", {"endpoint": aor("alice"), "peer": aor("bob")})["result"]
check("peer.notify bob", (result["answer"], result["status"], "response" in result), ("none", "unreachable", False))
for who, status in ("eve", 403), ("carol", 403):
    error = asking.call("peer.notify", {"endpoint": aor("alice"), "peer": aor(who)})["error"]
    check(f"peer.notify {who}", error["data"]["status"], status)
spoken = Connection(ALICE, bob.certificate)
response = bob.publish(spoken, "alice")
check("bob's notification", response.status, 200)
becomes("bob", "online", 1)

# R3: nobody else changes anything
before = (peer("frank"), peer("bob"), peer("eve"))
check("eve is not on the list", before[2], None)


def nothing_changed(what, response, status={400, 401, 403, 404}):
    check(what, response and response.status, status)
    check(what + ": peers unchanged", (peer("frank"), peer("bob"), peer("eve")) == before, True)


hers = Connection(ALICE, eve.certificate)
nothing_changed("eve's own", eve.publish(hers, "alice"), 403)
nothing_changed("as frank, with eve's token", eve.publish(hers, "alice", sender=aor("frank")))
nothing_changed("as frank, with frank's token", eve.publish(
    hers, "alice", token=frank.body["token"], sender=aor("frank"), basic="closed", expires=0))
nothing_changed("without token", eve.publish(hers, "alice", token="", sender=aor("frank")))
his = Connection(ALICE, frank.certificate)
nothing_changed("frank's word about bob", his.request(
    "PUBLISH", aor("alice"), aor("frank"), aor("alice"), body=pidf(aor("bob"), "sip:bob@10.77.0.9:1;transport=tls"),
    headers=[*bearer(frank.body["token"]), "Event: presence", "Expires: 600", "Content-Type: application/pidf+xml"]))
nothing_changed("no document", his.request(
    "PUBLISH", aor("alice"), aor("frank"), aor("alice"), body="<presence",
    headers=[*bearer(frank.body["token"]), "Event: presence", "Expires: 600", "Content-Type: application/pidf+xml"]))

# R2: logging out tells peers and server; and back again


def command(method):
    """Tells alice's agent, without waiting for its answer: it waits for frank's."""
    line = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {"endpoint": aor("alice")}}
    agent.socket.sendall(json.dumps(line).encode() + b"\n")


agent = Client(f"{folder}/agent-a.sock")
command("endpoint.log_out")
check("farewell to frank", int(listener.accept_publish().headers["expires"]), 0)
for _ in range(20):
    check("frank refreshes", frank.login().status, 200)
    if frank.profile() == {aor("alice"): "offline"}:
        break
    time.sleep(0.1)
check("the server knows", frank.profile(), {aor("alice"): "offline"})
command("endpoint.log_in")
contact = re.search(r"<contact[^>]*>(.*?)</contact>", listener.accept_publish().body.decode())[1]

# C6: the server is off; frank's table calls alice offline; what she told him herself is enough to reach her
os.kill(int(access_pid), signal.SIGKILL)
direct = Connection(re.search(r"@(.*?);", contact)[1], frank.certificate)
seen = []
ok = frank.invite(direct, "alice", seen=seen)
check("alice answers frank's call", ok and ok.status, 200)
dialog = {"call_id": ok.headers["call-id"], "to_tag": re.search(r"tag=([^;]+)", ok.headers["to"])[1],
          "from_tag": re.search(r"tag=([^;]+)", ok.headers["from"])[1]}
target = re.search(r"<(.*?)>", ok.headers["contact"])[1]
direct.send(direct.build("ACK", target, aor("frank"), aor("alice"), **dialog))
engine = Client(f"{folder}/engine-a.sock")
time.sleep(0.3)
check("sessions in her engine", engine.call("stats")["result"]["sessions"], 1)
bye = direct.request("BYE", target, aor("frank"), aor("alice"), headers=bearer(frank.body["token"]), cseq=2, **dialog)
check("frank hangs up", bye and bye.status, 200)
time.sleep(0.3)
check("sessions in her engine", engine.call("stats")["result"]["sessions"], 0)
