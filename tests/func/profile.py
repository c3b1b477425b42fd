#!/usr/bin/python3 -SB
# SPDX-License-Identifier: BSD-3-Clause
"""t_profile.sh: whom profile and routing table name, while people come, go and are permitted."""
import os
import subprocess
import sys
import time

from sipclient import Endpoint, aor, check, decode_token

server, ca, folder = sys.argv[1:4]


def login(user, contact=None):
    password = open(f"{folder}/{user}.password").readline().rstrip("\n")
    e = Endpoint(user, password, server, ca=ca, contact=contact)
    check(f"{user} logs in", e.login().status, 200)
    return e


def admin(*command):
    subprocess.run([os.environ["BIN"] + "/crowfly-access", *command, "--config", os.environ["CONFIG"]], check=True,
                   stdout=subprocess.DEVNULL)


def tables(e, expected):
    """Checks an endpoint's tables against {peer: contact, or None if offline}."""
    check(f"profile of {e.user}", e.profile(),
          {aor(p): "online" if contact else "offline" for p, contact in expected.items()})
    check(f"routes of {e.user}", {r["aor"]: r["contacts"] for r in e.body["routes"]},
          {aor(p): [contact] for p, contact in expected.items() if contact})


alice = login("alice")
tables(alice, {"bob": None, "carol": None})
carol = login("carol", contact="10.77.0.2:7001")
tables(carol, {"alice": alice.contact})
check("refresh of alice", alice.login().status, 200)
tables(alice, {"bob": None, "carol": carol.contact})
check("carol's fingerprint in the route", alice.route("carol")["x5t#S256"], carol.certificate.fingerprint)
check("the route expires", 0 < alice.route("carol")["expires"] <= 600, True)
eve = login("eve")
tables(eve, {})

header, claims = decode_token(alice.body["token"])
check("token: algorithm", header["alg"], "ES256")
check("token: subject", claims["sub"], alice.aor)
check("token: bound to the certificate", claims["cnf"]["x5t#S256"], alice.certificate.fingerprint)
check("token: expires", time.time() < claims["exp"] <= time.time() + 86400, True)
check("token keys", alice.body["jwks"]["keys"][0]["crv"], "P-256")

# The store is changed while the server runs
admin("permit", aor("alice"), aor("dave"))
admin("forbid", aor("alice"), aor("bob"))
check("refresh of alice", alice.login().status, 200)
tables(alice, {"dave": None, "carol": carol.contact})

# Logging out; coming back from another address
check("carol logs out", carol.login(expires=0).status, 200)
check("refresh of alice", alice.login().status, 200)
tables(alice, {"dave": None, "carol": None})
check("carol comes for two seconds", carol.login(expires=2).status, 200)
check("refresh of alice", alice.login().status, 200)
tables(alice, {"dave": None, "carol": carol.contact})
time.sleep(3)
check("refresh of alice", alice.login().status, 200)
tables(alice, {"dave": None, "carol": None})
carol = login("carol", contact="10.77.0.2:7002")
check("refresh of alice", alice.login().status, 200)
tables(alice, {"dave": None, "carol": carol.contact})
admin("user", "del", aor("carol"))
check("refresh of alice", alice.login().status, 200)
tables(alice, {"dave": None})
