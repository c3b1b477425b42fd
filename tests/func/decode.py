#!/usr/bin/python3 -SB
# SPDX-License-Identifier: BSD-3-Clause
"""t_decode.sh: the ends of TLS connections that write their keys down, and the application behind the agent.

decode.py relay SERVER FOLDER    bytes between the agent and the access server, which sees the agent's own certificate
decode.py bob SERVER FOLDER      a phone: logs in, notifies and is notified, calls and is called
decode.py speak FOLDER           the application: RTP and RTCP into the call of FOLDER/call.json"""
import glob
import json
import os
import re
import select
import socket
import ssl
import struct
import sys
import threading
import time

from rpc import Client
from sipclient import Connection, Endpoint, aor, authorization, bearer, check, offer

ALICE, BOB = "10.77.0.2:5061", ("10.77.0.3", 7001)


def server_context(certificate, folder):
    """For a connection whose other end must be the agent of host a."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate + ".crt", certificate + ".key")
    context.verify_mode = ssl.CERT_REQUIRED
    for path in glob.glob(f"{folder}/state-a/*.crt"):
        context.load_verify_locations(path)
    context.keylog_filename = os.environ["SSLKEYLOGFILE"]
    return context


def pump(one, other):
    """Both directions, until one side closes."""
    while True:
        for tls in select.select([one, other], [], [])[0]:
            tls.settimeout(0.05)
            try:
                data = tls.recv(65536)
                while tls.pending():
                    data += tls.recv(65536)
            except TimeoutError:
                continue
            except (ssl.SSLError, ConnectionError):
                data = b""
            target = other if tls is one else one
            if not data:
                target.close()
                return
            target.settimeout(10)
            target.sendall(data)


def relay(server, folder):
    listener = socket.create_server(("10.77.0.3", 5061))
    print("listening", flush=True)
    while True:
        plain, _ = listener.accept()
        try:
            near = server_context(f"{folder}/pki/server", folder).wrap_socket(plain, server_side=True)
        except OSError as e:
            print(e, flush=True)
            continue

        class Own:
            path = f"{folder}/state-a/agent"

        far = Connection(server, Own, f"{folder}/pki/ca.crt")
        threading.Thread(target=pump, args=(near, far.tls), daemon=True).start()


class Phone:
    """What the agent opens to bob: one connection, and what comes on it."""

    def __init__(self, bob, folder):
        self.bob, self.folder = bob, folder
        self.socket = socket.create_server(BOB)
        self.connection = None

    def expect(self, method, timeout=15):
        """The next request, answering notifications that come between."""
        while True:
            if self.connection is None:
                self.socket.settimeout(timeout)
                plain, _ = self.socket.accept()
                c = Connection.__new__(Connection)
                c.tls = server_context(self.bob.certificate.path, self.folder).wrap_socket(plain, server_side=True)
                c.buffer, c.all = b"", b""
                self.connection = c
            message = self.connection.receive(timeout)
            if message and message.method == "PUBLISH":
                self.connection.answer(message, headers=["SIP-ETag: b1", "Expires: 600"])
            if message is None or message.method == method:
                break
        check("bob gets", message and message.method, method)
        return message

    def answer(self, request, status, tag, **named):
        # All responses of a dialog carry one tag
        if "tag=" not in request.headers["to"]:
            request.headers["to"] += f";tag={tag}"
        self.connection.answer(request, status, **named)


class Call:
    """A call that bob places."""

    def __init__(self, bob, connection, to):
        self.bob, self.connection, self.to = bob, connection, to
        self.ids = {"call_id": os.urandom(8).hex(), "from_tag": os.urandom(8).hex()}
        request = self.build("INVITE", [f"Contact: <{bob.contact}>", "Content-Type: application/sdp"],
                             body=offer("10.77.0.3:20000"))
        self.branch = re.search(rb"branch=(\w+)", request)[1]
        connection.send(request)

    def build(self, method, headers=(), uri=None, **named):
        return self.connection.build(method, uri or aor(self.to), self.bob.aor, aor(self.to),
                                     headers=[*bearer(self.bob.body["token"]), *headers], **{**self.ids, **named})

    def same_transaction(self, method, **named):
        """CANCEL, or the ACK of a refusal: the branch of the INVITE."""
        self.connection.send(re.sub(rb"branch=\w+", b"branch=" + self.branch, self.build(method, **named)))

    def expect(self, method, status):
        while (message := self.connection.receive()) and (message.method, message.status) != (method, status):
            check(f"{method} on the way to {status}", message.status, {100, 180, 200})
        check(f"{method} {self.to}", message and message.status, status)
        return message

    def refused(self, status):
        self.same_transaction("ACK", to_tag=tag_of(self.expect("INVITE", status), "to"))


def tag_of(message, header):
    return re.search(r"tag=([^;]+)", message.headers[header])[1]


def calls_of_bob(bob, folder):
    connection = Connection(ALICE, bob.certificate)
    check("a notification without token", bob.publish(connection, "alice", token="").status, 401)
    check("a notification", bob.publish(connection, "alice").status, 200)
    check("a notification to who is not permitted", bob.publish(connection, "nobody").status, {403, 404})

    Call(bob, connection, "carol").refused(603)
    call = Call(bob, connection, "dave")
    call.expect("INVITE", 180)
    call.same_transaction("CANCEL")
    call.expect("CANCEL", 200)
    call.refused(487)

    call = Call(bob, connection, "alice")
    ok = call.expect("INVITE", 200)
    dialog = {"uri": re.search(r"<(.*?)>", ok.headers["contact"])[1], "to_tag": tag_of(ok, "to")}
    connection.send(call.build("ACK", **dialog))
    established = next(c for c in Client(f"{folder}/agent-a.sock").call("call.list")["result"]["calls"]
                       if c["state"] == "established")
    with open(f"{folder}/call.part", "w") as f:
        json.dump(established, f)
    os.rename(f"{folder}/call.part", f"{folder}/call.json")
    while not os.path.exists(f"{folder}/spoken"):
        time.sleep(0.1)
    connection.send(call.build("OPTIONS", cseq=2, **dialog))
    call.expect("OPTIONS", 200)
    connection.send(call.build("BYE", cseq=3, **dialog))
    call.expect("BYE", 200)
    connection.send(call.build("BYE", cseq=4, **dialog))
    call.expect("BYE", 481)


def calls_to_bob(bob, phone, folder):
    def place():
        """Alice calls, in the background; the answer to the request is kept."""
        result = []
        thread = threading.Thread(target=lambda: result.append(
            Client(f"{folder}/agent-a.sock").call("call.place", {"from": aor("alice"), "to": bob.aor})))
        thread.start()
        invite = phone.expect("INVITE")
        return invite, lambda: (thread.join(), result[0])[1]

    def hang_up():
        threading.Thread(target=lambda: Client(f"{folder}/agent-a.sock").call("call.hang_up", {"all": True})).start()

    invite, _ = place()
    phone.answer(invite, "603 Decline", "t1")
    phone.expect("ACK")

    invite, _ = place()
    phone.answer(invite, "180 Ringing", "t2")
    time.sleep(0.2)
    hang_up()
    phone.answer(phone.expect("CANCEL"), "200 OK", "t2")
    phone.answer(invite, "487 Request Terminated", "t2")
    phone.expect("ACK")

    invite, done = place()
    phone.answer(invite, "180 Ringing", "t3")
    phone.answer(invite, "200 OK", "t3", body=offer("10.77.0.3:20000"),
                 headers=[f"Contact: <{bob.contact}>", "Content-Type: application/sdp"])
    phone.expect("ACK")
    check("the call that alice placed", done().get("result", {}).get("state"), "established")
    hang_up()
    phone.answer(phone.expect("BYE"), "200 OK", "t3")


def invite_and_ack(bob, connection, uri, callee, call_id, headers=()):
    """A request that is refused or redirected, and the ACK; the response."""
    def build(method, **named):
        return connection.build(method, uri, bob.aor, aor(callee), call_id=call_id, from_tag="r1", **named)

    request = build("INVITE", headers=[f"Contact: <{bob.contact}>", *headers])
    connection.send(request)
    response = connection.receive()
    branch = re.search(rb"branch=\w+", request)[0]
    connection.send(re.sub(rb"branch=\w+", branch, build("ACK", to_tag=tag_of(response, "to"))))
    return response


def redirected(bob):
    """As a phone calls: by way of the server, with its token in the request URI."""
    for callee, status in ("nobody", 403), ("alice", 302):
        uri, call_id = aor(callee), os.urandom(8).hex()
        challenge = invite_and_ack(bob, bob.server, uri, callee, call_id)
        check("INVITE to the server", challenge.status, 401)
        answer = authorization(challenge.headers["www-authenticate"], bob.user, bob.password, "INVITE", uri)
        response = invite_and_ack(bob, bob.server, uri, callee, call_id, [answer])
        check(f"INVITE {callee} to the server", response.status, status)
    uri = re.search(r"<(.*?)>", response.headers["contact"])[1]
    connection = Connection(ALICE, bob.certificate)
    check("INVITE without an offer", invite_and_ack(bob, connection, uri, "alice", call_id).status, 488)


def bob(server, folder):
    password = open(f"{folder}/bob.password").readline().rstrip("\n")
    bob = Endpoint("bob", password, server, ca=f"{folder}/pki/ca.crt", contact="%s:%d" % BOB)
    check("bob logs in", bob.login().status, 200)
    phone = Phone(bob, folder)
    open(f"{folder}/bob.ready", "w").close()
    phone.expect("PUBLISH")
    calls_of_bob(bob, folder)
    calls_to_bob(bob, phone, folder)
    redirected(bob)
    ask = ["sip:example.org", bob.aor, "sip:example.org"]
    check("OPTIONS to the server", bob.server.request("OPTIONS", *ask).status, 200)
    check("MESSAGE to the server", bob.server.request("MESSAGE", *ask).status, 405)
    check("bob logs out", bob.login(0).status, 200)


def speak(folder):
    """50 packets of RTP and, on the port above, a sender report."""
    with open(f"{folder}/call.json") as f:
        call = json.load(f)

    def connect(above):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for bind, name in ((s.bind, "receive_at"), (s.connect, "send_to")):
            host, port = call[name].rsplit(":", 1)
            bind((host, int(port) + above))
        return s

    rtp, rtcp = connect(0), connect(1)
    for n in range(50):
        rtp.send(struct.pack("!BBHII", 0x80, 0, 1000 + n, n * 160, 0xC0FFEE) + bytes(160))
        time.sleep(0.01)
    rtcp.send(struct.pack("!BBHIQIII", 0x80, 200, 6, 0xC0FFEE, 1 << 32, 8000, 50, 8000) +
              struct.pack("!BBHIBB", 0x81, 202, 3, 0xC0FFEE, 1, 4) + b"crow\0\0")
    time.sleep(0.3)
    open(f"{folder}/spoken", "w").close()


{"relay": relay, "bob": bob, "speak": speak}[sys.argv[1]](*sys.argv[2:])
