#!/usr/bin/python3 -SB
# SPDX-License-Identifier: BSD-3-Clause
"""t_tables.sh: tables.py ENGINE-SOCKET CROWFLY N adds N sessions and has the client list them."""
import base64
import json
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

from rpc import Client
from sipclient import check

path, program, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
KEY = base64.b64encode(bytes(28)).decode()
WAITING = 200  # requests sent ahead of their answers


def session(i):
    return {"wire": {"local": f"10.77.0.2:{30000 + i // 200}", "remote": f"10.77.0.3:{1024 + i % 200}"},
            "host": {"local": f"192.168.50.{11 + i // 30000}:{1024 + i % 30000 * 2}", "remote": "192.168.50.2:40000"},
            "suite": "AEAD_AES_128_GCM", "tx_key": KEY, "rx_key": KEY,
            "direction": "recvonly" if i % 1000 == 7 else "sendrecv"}


def add_all():
    client = Client(path)
    ids = []
    for first in range(0, n, WAITING):
        client.socket.sendall(b"".join(
            json.dumps({"jsonrpc": "2.0", "id": i, "method": "session.add", "params": session(i)}).encode() + b"\n"
            for i in range(first, min(n, first + WAITING))))
        for _ in range(first, min(n, first + WAITING)):
            ids.append(json.loads(client.file.readline())["result"]["id"])
    return ids


def crowfly(*words):
    done = subprocess.run([program, "-s", path, *words], stdout=subprocess.PIPE, check=True)
    return done.stdout.decode()


def crowfly_watched(*words):
    """What the client prints, and the most memory it ever had (kB)."""
    most = 0
    with tempfile.TemporaryFile() as out:
        running = subprocess.Popen([program, "-s", path, *words], stdout=out)
        while running.poll() is None:
            with open(f"/proc/{running.pid}/status") as status:
                most = max([most] + [int(line.split()[1]) for line in status if line.startswith("VmHWM")])
            time.sleep(0.01)
        check("exit status", running.returncode, 0)
        out.seek(0)
        return out.read().decode(), most


class Asking(threading.Thread):
    """Asks for the totals all the time; how long the slowest answer took."""
    def __init__(self):
        super().__init__(daemon=True)
        self.ends, self.slowest = False, 0

    def run(self):
        client = Client(path)
        while not self.ends:
            before = time.monotonic()
            client.call("stats")
            self.slowest = max(self.slowest, time.monotonic() - before)
            time.sleep(0.02)


began = time.monotonic()
added = add_all()
print(f"added {n} sessions in {time.monotonic() - began:.1f} s")
asking = Asking()
asking.start()
began = time.monotonic()
text, memory = crowfly_watched("show", "session", "all")
print(f"listed in {time.monotonic() - began:.1f} s")
check("rows in the table", len(re.findall(r"^ *\d+  10\.77\.0\.2:", text, re.M)), n + 1)
check("each of them once, by number", [int(i) for i in re.findall(r"^ *(\d+)  10\.77\.0\.2:", text, re.M)][1:] == added, True)
some = n * 3 // 10
listed = [s["id"] for s in json.loads(crowfly("-j", "show", "session", "all", "limit", str(some)))["sessions"]]
check("sessions in JSON", listed[1:] == added[:some - 1], True)
check(f"the client's memory stays below 32 MB ({memory} kB)", memory < 32768, True)

# Chosen by the engine
rare = json.loads(crowfly("-j", "show", "session", "all", "direction", "recvonly"))["sessions"]
check("recvonly sessions", len(rare), n // 1000)
check("counted", json.loads(crowfly("-j", "show", "session", "count", "direction", "recvonly")),
      {"matched": n // 1000, "sessions": n + 1})
part = json.loads(crowfly("-j", "show", "session", "all", "limit", "700", "after", str(added[1000])))["sessions"]
check("limit and after", [s["id"] for s in part] == added[1001:1701], True)
check("none matches", json.loads(crowfly("-j", "show", "session", "all", "remote", "10.99.0.1"))["sessions"], [])
check("by a remote address with a port", len(json.loads(
    crowfly("-j", "show", "session", "all", "remote", "10.77.0.3:1030"))["sessions"]), n // 200)
keys = crowfly("show", "keys", "all", "limit", "3001").splitlines()
check("keys, up to a limit", len([line for line in keys if re.match(r" *\d+  [rt]x ", line)]), 3001)

# Interrupted in the middle, it ends at once
running = subprocess.Popen([program, "-s", path, "show", "session", "all"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
running.stdout.read(20000)
began = time.monotonic()
running.send_signal(signal.SIGINT)
running.communicate(timeout=20)
check("Ctrl-C ends the list", running.returncode != 0, True)
asking.ends = True
asking.join()
print(f"slowest of the other answers meanwhile: {asking.slowest * 1000:.0f} ms")
