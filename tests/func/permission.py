#!/usr/bin/python3 -SB
# SPDX-License-Identifier: BSD-3-Clause
"""t_permission.sh: INVITE and PUBLISH with tokens good and bad, straight to alice's agent."""
import base64
import glob
import hashlib
import hmac
import json
import sys
import time

from rpc import Client
from sipclient import Certificate, Connection, Endpoint, aor, base64url, check, decode_token, sign_token

server, ca, folder = sys.argv[1:4]
ALICE = "10.77.0.2:5061"
agent = Client(f"{folder}/agent-a.sock")


def login(user):
    e = Endpoint(user, open(f"{folder}/{user}.password").readline().rstrip("\n"), server, ca=ca)
    check(f"{user} logs in", e.login().status, 200)
    return e


def calls():
    return [c for c in agent.call("call.list")["result"]["calls"] if c["state"] != "ended"]


def peers():
    return [(p["aor"], p["status"], p["contact"] if "contact" in p else None)
            for p in agent.call("peer.list", {"endpoint": aor("alice")})["result"]["peers"]]


def refused(what, endpoint, certificate=..., **named):
    """Both requests over a connection with a certificate: neither rings nor changes anything."""
    connection = Connection(ALICE, endpoint.certificate if certificate is ... else certificate)
    before, seen = peers(), []
    invite = endpoint.invite(connection, "alice", seen=seen, **named)
    check(what + ": INVITE", invite and invite.status, {401, 403})
    check(what + ": rings", (180 in seen, 183 in seen, calls()), (False, False, []))
    publish = endpoint.publish(connection, "alice", **named)
    check(what + ": PUBLISH", publish and publish.status, {401, 403})
    check(what + ": peers unchanged", peers() == before, True)
    connection.close()


bob, eve = login("bob"), login("eve")
check("eve's profile", eve.profile(), {})
check("eve in alice's list", [p for p in peers() if p[0] == aor("eve")], [])
refused("eve with her own token", eve)
refused("eve in bob's name with her own token", eve, sender=aor("bob"))
refused("bob's token with eve's certificate", bob, eve.certificate)
refused("no token", bob, token="")

header, claims = decode_token(bob.body["token"])
now = int(time.time())
stranger = Certificate()
keys = [p for p in glob.glob(f"{folder}/access/*") if b"PRIVATE KEY" in open(p, "rb").read()]
check("the server's signing key", len(keys), 1)


def changed(key=keys[0], head=None, **values):
    merged = {k: v for k, v in {**claims, **values}.items() if v is not ...}
    return sign_token({**header, **(head or {})}, merged, key)


def with_hmac(secret):
    """HS256 with what is public as the secret."""
    text = ".".join(base64url(json.dumps(p).encode()) for p in ({**header, "alg": "HS256"}, claims))
    return text + "." + base64url(hmac.new(secret, text.encode(), hashlib.sha256).digest())


jwk = bob.body["jwks"]["keys"][0]
refused("signed by a stranger", bob, token=changed(stranger.path + ".key"))
refused("not signed", bob, token=changed(None, {"alg": "none"}))
refused("HS256 with the public key", bob, token=with_hmac(json.dumps(jwk).encode()))
refused("HS256 with its x", bob, token=with_hmac(base64.urlsafe_b64decode(jwk["x"] + "==")))
refused("expired", bob, token=changed(exp=now - 60))
refused("never expires", bob, token=changed(exp=...))
refused("bound to no certificate", bob, token=changed(cnf=...))
refused("somebody's name in it", bob, token=changed(sub=aor("eve")))
refused("garbage", bob, token="a.b.c")
refused("cut", bob, token=bob.body["token"][:-6])
refused("long", bob, token="A" * 20000)
refused("no certificate", bob, None)

# The control: the same signer, the right certificate and name ring; and nobody is told before the answer
connection = Connection(ALICE, bob.certificate)
check("bob's notification", bob.publish(connection, "alice", token=changed()).status, 200)
seen = []
check("bob's call is not answered", bob.invite(connection, "alice", token=changed(), seen=seen), None)
check("it rings", 180 in seen, True)
check("at alice's", [(c["from"], c["state"]) for c in calls()], [(aor("bob"), "ringing")])
connection.close()
