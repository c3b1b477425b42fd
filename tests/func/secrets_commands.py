#!/usr/bin/python3 -SB
# SPDX-License-Identifier: BSD-3-Clause
"""t_secrets_commands.sh: what is secret, and where it must not be.

secrets_commands.py make FOLDER                  session-N.json with keys, one for each suite; all that is secret into secrets.json
secrets_commands.py tapped FOLDER FILE...        adds the keys in recordings of what agents sent to their engines
secrets_commands.py passwords FOLDER FILE...     adds the first lines of files
secrets_commands.py speak LOCAL REMOTE           RTP with a known payload until SIGTERM
secrets_commands.py provoke FOLDER SOCKET...     bad requests with keys in them; prints the answers
secrets_commands.py search FOLDER FILE...        fails if one holds a secret
secrets_commands.py control FOLDER               fails if the search would not find each secret in each form
secrets_commands.py memory FOLDER PID            fails if what a core dump would take from the process holds a session's key, or if
                                        the rest of it (all that stays out) does not
Secrets are looked for in pieces of 8 bytes: as they are, in hexadecimal with and without separators, in base64."""
import base64
import hashlib
import json
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

SUITES = {"AEAD_AES_128_GCM": (16, 12), "AEAD_AES_256_GCM": (32, 12), "AES_CM_128_HMAC_SHA1_80": (16, 14),
          "AES_CM_128_HMAC_SHA1_32": (16, 14)}
PAYLOAD = hashlib.shake_128(b"payload").digest(160)


# ---- what is secret


def keystream(key, salt, label, length):
    """RFC 3711, 4.3: the session keys, from openssl's AES in counter mode."""
    vector = bytearray(salt.ljust(16, b"\0"))
    vector[7] ^= label
    done = subprocess.run(["openssl", "enc", f"-aes-{len(key) * 8}-ctr", "-K", key.hex(), "-iv", bytes(vector).hex()],
                          input=bytes(length), capture_output=True, check=True)
    return done.stdout


def of_key(name, suite, text):
    """Master key and salt, and what is derived from them: {name: bytes}."""
    length, salted = SUITES[suite]
    both = base64.b64decode(text)
    key, salt = both[:length], both[length:]
    found = {f"{name} key": key, f"{name} salt": salt}
    for label, (what, size) in enumerate((("cipher", length), ("auth", 20), ("salt", salted)) * 2):
        if what != "auth" or "HMAC" in suite:
            found[f"{name} {'RTCP' if label > 2 else 'RTP'} {what}"] = keystream(key, salt, label, size)
    return found


def load(folder):
    return json.loads(Path(folder, "secrets.json").read_text())


def store(folder, secrets):
    Path(folder, "secrets.json").write_text(json.dumps(secrets))


def make(folder):
    secrets = {"payload": PAYLOAD.hex()}
    for i, (suite, lengths) in enumerate(SUITES.items()):
        session = {"wire": {"local": f"10.77.0.2:{21000 + i * 2}", "remote": "10.77.0.3:21000"}, "suite": suite,
                   "host": {"local": f"192.168.50.1:{31000 + i * 2}", "remote": f"192.168.50.2:{41000 + i * 2}"}}
        for way in ("tx_key", "rx_key"):
            key = hashlib.shake_128(f"{suite} {way}".encode()).digest(sum(lengths))
            session[way] = base64.b64encode(key).decode()
            secrets |= {n: v.hex() for n, v in of_key(f"{suite} {way}", suite, session[way]).items()}
        Path(folder, f"session-{i}.json").write_text(json.dumps(session))
    store(folder, secrets)


def tapped(folder, *files):
    secrets, calls = load(folder), 0
    for file in files:
        for line in Path(file).read_text().splitlines():
            params = json.loads(line).get("params", {})
            for way in ("tx_key", "rx_key"):
                if params.get(way) and "suite" in params:
                    calls += 1
                    found = of_key(f"call {calls}", params["suite"], params[way])
                    secrets |= {n: v.hex() for n, v in found.items()}
    if calls < 4:
        raise SystemExit(f"FAIL: the agents gave {calls} keys")
    store(folder, secrets)


def passwords(folder, *files):
    secrets = load(folder)
    store(folder, secrets | {f: Path(f).read_text().splitlines()[0].encode().hex() for f in files})


# ---- looking for it


def pieces(secret):
    """A password is looked for as a whole: its words may stand anywhere."""
    if secret.isascii():
        return {secret}
    return {secret[at:at + 8] for at in (*range(0, len(secret) - 7, 8), len(secret) - 8)}


def in_base64(piece):
    """As it stands wherever it begins: without the characters that its neighbours share."""
    for before in range(3):
        text = base64.b64encode(bytes(before) + piece)
        yield text[(0, 2, 3)[before]:len(text) - (0, 3, 2)[(before + len(piece)) % 3]]


class Hay:
    def __init__(self, data):
        self.raw, self.base64 = data, data.translate(bytes.maketrans(b"-_", b"+/"))
        self.hex = re.sub(rb"0x|[\s:,-]", b"", data.lower())

    def forms(self, secret):
        """Which forms of a secret are in it."""
        found = set()
        for piece in pieces(secret):
            found |= {"raw"} if piece in self.raw else set()
            found |= {"hex"} if piece.hex().encode() in self.hex else set()
            found |= {f"base64+{i}" for i, text in enumerate(in_base64(piece)) if text in self.base64}
        return found


WORDS = rb'eyJ[A-Za-z0-9_-]{10}|inline:[A-Za-z0-9+/]|"[tr]x_key" ?: ?"|Bearer [A-Za-z0-9]|response="[0-9a-f]{32}|PRIVATE KEY'


def search(folder, *files):
    secrets, total, bad = load(folder), 0, []
    for file in files:
        data = Path(file).read_bytes()
        total += len(data)
        hay = Hay(data)
        bad += [f"{file}: {name} ({form})" for name, value in secrets.items() for form in hay.forms(bytes.fromhex(value))]
        bad += [f"{file}: {m.group()[:7].decode()}..." for m in re.finditer(WORDS, data)]
    if bad:
        raise SystemExit("FAIL: secrets are told:\n" + "\n".join(sorted(set(bad))))
    print(f"ok: none of {len(secrets)} secrets in {len(files)} files of {total} bytes")


def control(folder):
    """The search finds what is there."""
    for name, value in load(folder).items():
        secret = bytes.fromhex(value)
        for form, text in (("raw", secret), ("hex", secret.hex().encode()), ("hex", secret.hex(" ").upper().encode()),
                           ("hex", ", ".join(f"0x{b:02x}" for b in secret).encode()),
                           *((f"base64+{i}", base64.b64encode(bytes(i) + secret)) for i in range(3)),
                           ("base64+0", base64.urlsafe_b64encode(secret))):
            if form not in Hay(b"debug: " + text + b" and so on\n").forms(secret):
                raise SystemExit(f"FAIL: {name} is not found as {form}")
    print("ok: each secret would be found in each form")


# ---- a core dump


def mappings(pid):
    """(start, end, whether a dump takes it) of what can be read."""
    start = end = 0
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if m := re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+) .*?(\S*)$", line):
            start, end, mode, path = int(m[1], 16), int(m[2], 16), m[3], m[4]
        elif line.startswith("VmFlags:") and mode[0] == "r" and path not in ("[vvar]", "[vsyscall]"):
            yield start, end, not {"dd", "io"} & set(line.split())


def memory(folder, pid):
    secrets = {n: bytes.fromhex(v) for n, v in load(folder).items() if n.endswith((" key", " cipher"))}
    dumped, kept, size, nothing = set(), set(), 0, bytes((1 << 20) + 64)
    with open(f"/proc/{pid}/mem", "rb", 0) as file:
        for start, end, dumps in mappings(pid):
            for at in range(start, end, 1 << 20):
                file.seek(at)
                try:
                    data = file.read(min(end - at, (1 << 20) + 64))
                except OSError:  # a device's
                    continue
                if data == nothing[:len(data)]:
                    continue
                size += len(data)
                for name, value in secrets.items():
                    if value in data or base64.b64encode(value)[:16] in data:
                        (dumped if dumps else kept).add(name)
    if dumped:
        raise SystemExit("FAIL: in a core dump: " + ", ".join(sorted(dumped)))
    if not any(name.endswith("cipher") for name in kept):
        raise SystemExit("FAIL: no session's key is found in memory: the search does not search")
    print(f"ok: {len(kept)} keys in {size} bytes of memory, none where a core dump takes it")


# ---- traffic and requests


def speak(local, remote):
    address = [(h, int(p)) for h, p in (a.rsplit(":", 1) for a in (local, remote))]
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(address[0])
    for sequence in range(1 << 16):
        s.sendto(b"\x80\0" + sequence.to_bytes(2, "big") + (sequence * 160).to_bytes(4, "big") + b"spkr" + PAYLOAD, address[1])
        time.sleep(0.01)


def bad_requests(session):
    key = session["tx_key"]
    wrong = [{"tx_key": v} for v in (key + key, key[:-4], key[:-4] + "!!!!", key.replace(key[4], "-"), [key], {key: 1}, "")]
    wrong += [{f: key} for f in ("suite", "direction", "window", "wire", "media_timeout_ms", "tx_kye", key)]
    wrong += [{"wire": {"local": key}}, {"host": {"local": session["host"]["local"], "remote": key}}, {"wire": {key: key}}]
    wrong += [{"wire": session["wire"] | {"local": "10.1.1.1:1"}}, {"host": session["host"] | {"local": "10.1.1.1:1"}}]
    for fields in wrong:
        yield "session.add", session | fields
    yield "session.add", session  # its address is in use
    for fields in ({"id": 4000000000, "tx_key": key, "rx_key": key}, {"id": key}, {"id": 1, "tx_key": key}, {"id": 1, "suite": key}):
        yield "session.update", fields
    for method, field in (("session.stats", "id"), ("session.list", "suite"), ("log.set", "type"), ("fwd.set", "mode"),
                          ("port.info", "port"), ("trace.add", "drops"), ("call.place", "from"), ("peer.list", "endpoint")):
        yield method, {field: key}
    yield "gen.set", {"sessions": 1, "remote": "nowhere", "secret": key}
    yield "gen.set", {"sessions": 1, "remote": "10.77.0.3:50000", "secret": [key]}
    yield key, {}


def provoke(folder, *sockets):
    for path in sockets:
        for file in sorted(Path(folder).glob("session-*.json")):
            session = json.loads(file.read_text())
            lines = [json.dumps({"jsonrpc": "2.0", "id": 1, "method": m, "params": p}) for m, p in bad_requests(session)]
            whole = lines[0]
            lines += [whole[:-2], whole.replace('": "', '": ', 3), whole[:-1] + " " + session["rx_key"],
                      whole.replace('"rx_key"', '"tx_key"'), json.dumps(session["tx_key"]), json.dumps([session])]
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(path)
                s.settimeout(10)
                reader = s.makefile()
                for line in lines:
                    s.sendall(line.encode() + b"\n")
                    answer = reader.readline()
                    if '"error"' not in answer:
                        raise SystemExit(f"FAIL: no error: {answer}")
                    print(answer, end="")


{"make": make, "tapped": tapped, "passwords": passwords, "speak": speak, "provoke": provoke, "search": search, "control": control,
 "memory": memory}[sys.argv[1]](*sys.argv[2:])
