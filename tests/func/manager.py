#!/usr/bin/python3 -SB
# SPDX-License-Identifier: BSD-3-Clause
"""The service manager of t_daemon.sh. manager.py listen SOCKET: prints what daemons tell it, a line each.
manager.py hold PID NAME: stops the one thread of that name, not its process, until standard input ends."""
import ctypes
import os
import pathlib
import socket
import sys

PTRACE_SEIZE, PTRACE_INTERRUPT = 0x4206, 0x4207


def listen(path):
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(path)
    print("listening", flush=True)
    while True:
        for line in manager.recv(4096).decode().split("\n"):
            print(line, flush=True)


def hold(pid, name):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long] * 4
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text().strip() != name:
            continue
        for request in PTRACE_SEIZE, PTRACE_INTERRUPT:
            if libc.ptrace(request, int(task.name), 0, 0) < 0:
                sys.exit(f"ptrace: {os.strerror(ctypes.get_errno())}")
        print("held", flush=True)
        sys.stdin.read()
        return
    sys.exit(f"no thread {name}")


if __name__ == "__main__":
    {"listen": listen, "hold": hold}[sys.argv[1]](*sys.argv[2:])
