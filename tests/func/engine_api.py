#!/usr/bin/python3 -SB
# SPDX-License-Identifier: BSD-3-Clause
"""t_engine_api.sh: requests to the engine's API, good and bad."""
import base64
import copy
import json
import os
import socket
import sys
import time

from rpc import Client
from sipclient import check

path, pid = sys.argv[1:3]
KEY = base64.b64encode(bytes(28)).decode()


def session(number=0):
    return {"wire": {"local": f"10.77.0.2:{20000 + number * 2}", "remote": "10.77.0.3:20000"},
            "host": {"local": f"192.168.50.1:{20000 + number * 2}", "remote": "192.168.50.2:40000"},
            "suite": "AEAD_AES_128_GCM", "tx_key": KEY, "rx_key": KEY}


def changed(field, value):
    """A session.add with one field set to a value, or taken away with `...`."""
    params = copy.deepcopy(session())
    at, *rest = field.split(".")
    target = params
    for name in rest:
        target, at = target[at], name
    if value is ...:
        del target[at]
    else:
        target[at] = value
    return params


def count():
    return client.call("stats")["result"]["sessions"]


def memory():
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


client = Client(path)

# field, value, what data.field must begin with
BAD_SESSIONS = [
    *((field, ..., field) for field in
      ("wire", "host", "wire.local", "wire.remote", "host.local", "host.remote", "suite", "tx_key", "rx_key")),
    *((field, value, field) for field in ("wire.local", "host.local", "wire.remote", "host.remote") for value in
      (7, None, [], "", "10.77.0.2", "10.77.0.2:0", "10.77.0.2:65536", "10.77.0.2:-1", "x:1", "10.77.0.2:1 ",
       "[::1:5", "10.77.0.2:99999999999999999999", "a" * 5000)),
    ("wire.local", "10.77.0.99:20000", "wire.local"),  # not an address of the port
    ("host.local", "192.168.50.9:20000", "host.local"),
    ("wire.remote", "[fd77::3]:20000", "wire"),  # families differ
    *(("suite", value, "suite") for value in ("", "AES", "aead_aes_128_gcm", 1, None, "NULL")),
    *((key, value, key) for key in ("tx_key", "rx_key") for value in
      ("", "AAAA", KEY[:-4], KEY + "AAAA", "*" * len(KEY), base64.b64encode(bytes(30)).decode(), 5, None, KEY + "=")),
    *(("window", value, "window") for value in (-1, 1, 65, 2048, "128", 1.5, 1 << 40)),
    *(("media_timeout_ms", value, "media_timeout_ms") for value in (-1, "1", 1 << 40)),
    *(("direction", value, "direction") for value in ("both", 3, "")),
    ("tag", 7, "tag"), ("tag", "t" * 4097, "tag"),
    ("colour", "green", "colour"), ("wire.colour", "green", "wire"),
]
for field, value, expected in BAD_SESSIONS:
    error = client.call("session.add", changed(field, value)).get("error")
    named = error and (error.get("data") or {}).get("field", "")
    if not error or error["code"] >= 0 or not named.startswith(expected):
        sys.exit(f"FAIL: session.add with {field} = {str(value)[:40]!r}: {error}")
    if "AAAAAAAA" in json.dumps(error):
        sys.exit(f"FAIL: the answer repeats a key: {error}")
print(f"ok: {len(BAD_SESSIONS)} bad session.add refused, each naming the field")
check("sessions after them", count(), 0)

# Lines that are no requests; the connection may be closed, the engine goes on
BAD_LINES = [
    (b"hello", -32700), (b"{", -32700), (b"{}", -32600), (b"[]", -32600), (b"7", -32600), (b'"x"', -32600),
    (b"null", -32600), (b'{"jsonrpc":"1.0","id":1,"method":"stats"}', -32600),
    (b'{"jsonrpc":"2.0","id":1,"method":7}', -32600), (b'{"jsonrpc":"2.0","id":{},"method":"stats"}', -32600),
    (b'{"jsonrpc":"2.0","id":1,"method":"nothing"}', -32601),
    (b'{"jsonrpc":"2.0","id":1,"method":"stats","params":7}', {-32602, -32600}),
    (b'{"jsonrpc":"2.0","id":1,"method":"session.stats","params":{"id":"x"}}', -32602),
    (b'{"jsonrpc":"2.0","id":1,"method":"session.stats","params":{"id":4000000000}}', -32001),
    (b'{"jsonrpc":"2.0","id":1,"method":"session.remove","params":{"id":1}}', -32001),
    (b'{"jsonrpc":"2.0","id":1,"method":"session.update","params":{"id":1,"direction":"sendonly"}}', -32001),
    (b"\xff\xfe\x00", -32700), (b'{"a":' * 100000, -32700),
]
for line, code in BAD_LINES:
    answer = Client(path).raw(line)
    check(f"line {line[:60]!r}", answer and answer["error"]["code"], code)

# 100 MB in one line: thrown away as it comes, answered, and the connection is closed
flood = Client(path)
before = memory()
try:
    for _ in range(1600):
        flood.socket.sendall(b"a" * 65536)
    grown = memory() - before
    answer = flood.raw(b"")
    check("a line of 100 MB", answer and answer["error"]["code"], {-32700, -32600})
    check("the connection after it", flood.file.readline(), b"")
except ConnectionError:
    print("ok: a line of 100 MB: the connection was closed")
    grown = memory() - before
check(f"memory grown by less than 16 MB ({grown} kB)", grown < 16384, True)

# Half a line; clients that go in the middle
half = Client(path)
half.socket.sendall(b'{"jsonrpc":"2.0","id":1,"method":"session.add","params":')
for _ in range(50):
    gone = Client(path)
    gone.socket.sendall(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "stats"}).encode() + b"\n" + b'{"x')
    gone.socket.shutdown(socket.SHUT_WR)
    gone.socket.close()
check("the engine answers meanwhile", count(), 0)
half.socket.sendall(json.dumps(session()).encode() + b"}\n")
check("the half line's other half", "result" in json.loads(half.file.readline()), True)
check("sessions", count(), 1)
check("local address in use", client.call("session.add", session())["error"]["code"], -32002)
check("sessions", count(), 1)
listed = client.call("session.list", {})["result"]["sessions"]
check("keys in the list", KEY in json.dumps(listed), False)
client.call("session.remove", {"id": listed[0]["id"]})


def round_of(n):
    ids = []
    for number in range(n):
        answer = client.call("session.add", session(number))
        if "result" not in answer:
            sys.exit(f"FAIL: session {number}: {answer}")
        ids.append(answer["result"]["id"])
    full = count()
    seen, after = 0, 0
    while after is not None:
        page = client.call("session.list", {"after": after, "limit": 1000})["result"]
        seen, after = seen + len(page["sessions"]), page["next"]
    for number in ids:
        client.call("session.remove", {"id": number})
    return [full, seen]


# 10,000 sessions, added and removed: in the second round memory stays
check("round 1: sessions, listed", round_of(10000), [10000, 10000])
time.sleep(0.3)
before = memory()
check("round 2: sessions, listed", round_of(10000), [10000, 10000])
time.sleep(0.3)
grown = memory() - before
limit = 8192 if os.environ.get("SAN") else 2048  # kB; the sanitizer keeps some of what was freed
check(f"memory grown by less than {limit} kB ({grown} kB of {before} kB)", grown < limit, True)
check("sessions at the end", count(), 0)
