#!/usr/bin/python3 -SB
# SPDX-License-Identifier: BSD-3-Clause
"""t_login.sh: good and bad log-ins at the access server."""
import re
import sys
import time

from sipclient import Endpoint, authorization, aor, check

server, ca, alice_file, bob_file = sys.argv[1:5]
alice_password, bob_password = (open(f).readline().rstrip("\n") for f in (alice_file, bob_file))
SECRETS = (b"bob", b"routes", b"jwks", b"eyJ", b"x5t#S256")


def connect(user="alice", password=alice_password):
    return Endpoint(user, password, server, ca=ca)


def refused(what, endpoint, response, status={401, 403}):
    check(what + ": status", response and response.status, status)
    leaked = [s for s in SECRETS if s in endpoint.server.all and s.decode() != endpoint.user]
    check(what + ": bytes of profile, table or token", leaked, [])
    check(what + ": body", response.body, b"")
    return response


def shape(response):
    """What an answer looks like without what differs by chance or by the name asked for."""
    text = re.sub(r"(nonce|opaque)=\"[^\"]*\"|tag=\w+|branch=\w+|[0-9a-f]{16,}", "", response.text.decode())
    return re.sub(r"(?im)^(via|from|to|call-id|cseq|contact|date):.*\r\n", "", text)


def challenge_of(endpoint):
    return endpoint.register().headers["www-authenticate"]


def main():
    e = connect()
    first = refused("no credentials", e, e.register(), 401)
    challenge = first.headers["www-authenticate"]
    check("challenge offers SHA-256", "algorithm=SHA-256" in challenge, True)
    check("challenge offers MD5", "MD5" in first.text.decode(), False)

    # Wrong password and unknown user: the same answer in the same time
    wrong, unknown, times = None, None, {"wrong": [], "unknown": []}
    for _ in range(21):
        for kind in times:
            e = connect(*("alice", "not it") if kind == "wrong" else ("nobody", "not it"))
            header = authorization(challenge_of(e), e.user, e.password)
            start = time.perf_counter()
            response = e.register(headers=[header])
            times[kind].append(time.perf_counter() - start)
            e.server.close()
            if kind == "wrong":
                wrong = (e, response)
            else:
                unknown = (e, response)
    refused("wrong password", *wrong)
    refused("unknown user", *unknown)
    check("the same answer to both", shape(wrong[1]) == shape(unknown[1]), True)
    # The quickest of each: what else the machine does only ever adds
    ratio = min(times["wrong"]) / min(times["unknown"])
    check(f"times of both alike ({ratio:.2f})", 0.5 < ratio < 2, True)

    # Good; then the same header again, from here and from elsewhere
    e = connect()
    header = authorization(challenge_of(e), "alice", alice_password)
    good = e.register(headers=[header])
    check("right password", good.status, 200)
    check("profile in the answer", [p["aor"] for p in good.json()["profile"]], [aor("bob")])
    e.server.all = b""
    refused("replayed on the same connection", e, e.register(headers=[header]))
    thief = connect()
    refused("replayed from another connection", thief, thief.register(headers=[header]))

    # Somebody else's nonce count, method, nonce; somebody else's name
    e = connect()
    refused("response for another method", e, e.register(
        headers=[authorization(challenge_of(e), "alice", alice_password, method="OPTIONS")]))
    e = connect()
    challenge = re.sub(r'nonce="(.)', lambda m: 'nonce="' + ("A" if m[1] != "A" else "B"), challenge_of(e))
    refused("forged nonce", e, e.register(headers=[authorization(challenge, "alice", alice_password)]))
    e = connect()
    header = authorization(challenge_of(e), "bob", bob_password)
    refused("alice's record with bob's password", e, e.register(headers=[header]))

    # A nonce lives three seconds here
    e = connect()
    challenge = challenge_of(e)
    time.sleep(4)
    response = refused("stale nonce", e, e.register(headers=[authorization(challenge, "alice", alice_password)]), 401)
    check("stale=true", "stale=true" in response.headers["www-authenticate"], True)
    header = authorization(response.headers["www-authenticate"], "alice", alice_password)
    check("the new nonce with it", e.register(headers=[header]).status, 200)


main()
