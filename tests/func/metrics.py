#!/usr/bin/python3 -SB
# SPDX-License-Identifier: BSD-3-Clause
"""t_metrics.sh. metrics.py scrape ADDRESS: reads the metrics of IP:PORT or a unix socket, fails unless they are strictly
Prometheus' text format 0.0.4 and keep its naming rules, prints {"name{labels}": value}. metrics.py text ADDRESS prints them as they are. metrics.py hostile ADDRESS: clients
that are slow, many, or send too much; the metrics must be there all the time."""
import json
import re
import socket
import sys
import time

NAME = r"[a-z_][a-z0-9_]*"
SAMPLE = re.compile(rf'({NAME})(?:\{{({NAME}="[^"\\\n]*"(?:,{NAME}="[^"\\\n]*")*)\}})? (\S+)')
TYPES = "counter", "gauge", "histogram"


def connect(address):
    if address.startswith("/"):
        client = socket.socket(socket.AF_UNIX)
        client.connect(address)
    else:
        host, port = address.rsplit(":", 1)
        client = socket.create_connection((host.strip("[]"), int(port)))
    client.settimeout(20)
    return client


def read_all(client):
    data = b""
    while piece := client.recv(65536):
        data += piece
    return data


def ask(address, request=b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"):
    client = connect(address)
    client.sendall(request)
    head, _, body = read_all(client).partition(b"\r\n\r\n")
    return head.decode(), body.decode()


def need(condition, what):
    if not condition:
        sys.exit(what)


def check_family(name, kind, helped):
    need(helped == name, f"{name}: no HELP before its TYPE")
    need(kind in TYPES, f"{name}: {kind}")
    need((kind == "counter") == name.endswith("_total"), f"{name} is a {kind}")
    need(not re.search("_(ms|us|ns|kb|mb|cycles|minutes)(_|$)", name), f"{name}: no base unit")


def parse(text):
    need(text.endswith("\n"), "no line end at the end")
    families, samples, name, helped = set(), {}, None, None
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            helped, words = line[7:].split(" ", 1)
            need(words.strip(), f"{helped}: empty HELP")
        elif line.startswith("# TYPE "):
            name, kind = line[7:].split(" ")
            check_family(name, kind, helped)
            need(name not in families, f"{name} stands twice")
            families.add(name)
        else:
            match = SAMPLE.fullmatch(line)
            need(match, f"no sample: {line}")
            family = re.sub("_(bucket|sum|count)$", "", match[1]) if kind == "histogram" else match[1]
            need(family == name, f"{match[1]} in the family {name}")
            key = match[1] + (f"{{{match[2]}}}" if match[2] else "")
            need(key not in samples, f"{key} stands twice")
            samples[key] = float(match[3])
            need(samples[key] >= 0, line)
    for family in families:
        need(any(key.startswith(family) for key in samples), f"{family} has no samples")
    return samples


def scrape(address):
    head, body = ask(address)
    lines = head.split("\r\n")
    need(lines[0] == "HTTP/1.1 200 OK", lines[0])
    need("Content-Type: text/plain; version=0.0.4; charset=utf-8" in lines, head)
    need(f"Content-Length: {len(body)}" in lines, head)
    return parse(body)


def hostile(address):
    silent = [connect(address) for _ in range(60)]
    scrape(address)
    slow = connect(address)
    begun = time.monotonic()
    slow.sendall(b"GET /metrics HTTP/1.1\r\nX: ")
    huge, _ = ask(address, b"GET /metrics HTTP/1.1\r\nX: " + 4070 * b"x")
    need(huge.startswith("HTTP/1.1 431 "), huge)
    # A client that goes on writing is cut off, with or without an answer
    flood = connect(address)
    try:
        for _ in range(2000):
            flood.sendall(65536 * b"x")
        sys.exit("a header of 128 MiB is taken")
    except OSError:
        pass
    for request in b"\0" * 64 + b"\r\n\r\n", b"GET /etc/passwd HTTP/1.1\r\n\r\n", b"DELETE /metrics HTTP/1.1\r\n\r\n":
        answer, body = ask(address, request)
        need(answer.startswith("HTTP/1.1 40") and len(body) < 64, answer)
    scrape(address)
    need(slow.recv(1) == b"", "a slow client gets an answer")
    need(time.monotonic() - begun > 1, "a slow client gets no time")
    for client in silent:
        client.close()
    print(json.dumps(scrape(address)))


if __name__ == "__main__":
    if sys.argv[1] == "scrape":
        print(json.dumps(scrape(sys.argv[2])))
    elif sys.argv[1] == "text":
        sys.stdout.write(ask(sys.argv[2])[1])
    else:
        hostile(sys.argv[2])
