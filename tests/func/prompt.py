#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The prompt, on a terminal and through pipes.   prompt.py CROWFLY ENGINE SOCKET FOLDER"""

import os
import re
import signal
import subprocess
import sys
import termios
import time

from terminal import Terminal

crowfly, engine, socket, folder = sys.argv[1:]
PROMPT = r"crowfly>$"


def need(condition, text):
    if not condition:
        raise SystemExit(f"FAIL: {text}")


def ok(text):
    print(f"ok: {text}", flush=True)


def start_engine(*options, **popen):
    process = subprocess.Popen([engine, *options], stdin=popen.pop("stdin", subprocess.DEVNULL), stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, **popen)
    end = time.monotonic() + 20
    while subprocess.run([crowfly, "-s", socket, "show", "info"], capture_output=True).returncode != 0:
        need(process.poll() is None and time.monotonic() < end, "the engine does not start")
        time.sleep(0.1)
    return process


def stop(process):
    process.terminate()
    need(process.wait(20) == 0, f"the engine ends with {process.returncode}")


def pipe(text, *options, program=(crowfly, "-s", socket)):
    """Both streams in one, so that their order shows; and the exit status."""
    done = subprocess.run([*program, *options], input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    need("\x1b" not in done.stdout and "crowfly>" not in done.stdout, f"escape codes or a prompt in a pipe: {done.stdout!r}")
    return done.stdout, done.returncode


def wraps_well(t, before):
    """No row fills the screen's width, which is where a terminal breaks words."""
    need(len(t.lines()) > 2, f"{before}: nothing to wrap")
    for row in t.lines():
        need(len(row) < 80, f"{before}: {row}")


# ---- crowfly at a terminal


def completes():
    with Terminal([crowfly, "-s", socket]) as t:
        t.wait(PROMPT)
        t.type("sh\t")
        t.wait(r"^crowfly> show$")
        t.type("inf\t")
        t.wait(r"^crowfly> show info$")
        t.clear()
        t.type("\x03show se\t\t")
        t.wait(r"^crowfly> show session$\n(.*\n)*  all .*\n(.*\n)*  ID +the number of a session.*\n(.*\n)*crowfly> show session$")
        t.clear()
        t.type("all ?")
        t.wait(r"^  limit +N \(.*\n(.*\n)*crowfly> show session all$")
        need(re.search(r"^  <Enter>$", t.screen.text(), re.MULTILINE), "? does not say that the command may end here")
        t.clear()
        # In the middle of a line: what may stand at the cursor
        t.type("\x03show info" + "\x1b[D" * 4 + "?")
        t.wait(r"^  session .*\n(.*\n)*crowfly> show info$")
        need(t.cursor()[1] == len("crowfly> show "), f"the cursor is at {t.cursor()}")
        t.clear()
        t.type("\r")
        t.wait(r"^program +crowfly-engine$")
        t.wait(PROMPT)
        t.clear()
        t.type("nonsense\r")
        t.wait(r"^nonsense: 'nonsense' \(word 1\) is wrong, expected: help, ")
        t.wait(PROMPT)
        wraps_well(t, "an error")
        t.clear()
        t.type("?")
        t.wait(r"^crowfly>$\n(.*\n)+crowfly>$")
        wraps_well(t, "?")
        t.clear()
        t.type("load " + folder + "/com\t")
        t.wait(f"load {folder}/commands$")
        t.type("\x03quit\r")
        need(t.end() == 0, "quit")
    ok("Tab and ?")


def edits():
    with Terminal([crowfly, "-s", socket]) as t:
        t.wait(PROMPT)
        t.type("show version\r")
        t.wait(r"^dpdk +DPDK")
        t.wait(PROMPT)
        t.clear()
        t.type("help quit\r")
        t.wait(r"^  quit ")
        t.wait(PROMPT)
        t.type("typed")
        t.type("\x1b[A")
        t.wait(r"^crowfly> help quit$")
        t.type("\x1b[A")
        t.wait(r"^crowfly> show version$")
        t.type("\x1b[B\x1b[B")
        t.wait(r"^crowfly> typed$")
        ok("history")
        t.type("\x15show xversion\x1b[H" + "\x1b[C" * 5 + "\x1b[3~\x1b[F")
        t.wait(r"^crowfly> show version$")
        t.type("\x03")
        t.wait(r"^crowfly> show version\ncrowfly>$")
        ok("Home, End, delete; Ctrl-C drops the line")
        t.clear()
        t.type("a" * 100)
        t.wait("^crowfly> a{71}\na{29}$")
        t.type("\x01bc")
        t.wait("^crowfly> bca{69}\na{31}$")
        need(t.cursor() == (0, 11), f"the cursor is at {t.cursor()}")
        t.type("\x05" + "\x7f" * 32)
        t.wait("^crowfly> bca{68}$")
        t.type("\x15")
        t.wait(r"^crowfly>$")
        t.type("b" * 71)
        t.wait("^crowfly> b{71}$")
        t.type("c")
        t.wait("^crowfly> b{71}\nc$")
        ok("a line of two rows")
        t.clear()
        t.type("\x03events\r")
        time.sleep(0.5)
        t.type("\x03")
        t.wait(r"^\^C\ncrowfly>$")
        t.type("show version\r")
        t.wait(r"^dpdk +DPDK")
        ok("Ctrl-C ends events, and the prompt stays")
        t.wait(PROMPT)
        t.type("\x04")
        need(t.end() == 0, "Ctrl-D")
    ok("Ctrl-D ends")


def restarts():
    process = start_engine()
    with Terminal([crowfly, "-s", socket]) as t:
        t.wait(PROMPT)
        t.type("show version\r")
        t.wait(r"^dpdk +DPDK")
        stop(process)
        t.clear()
        t.type("show version\r")
        t.wait("^cannot connect to the engine at ")
        t.wait(PROMPT)
        process = start_engine()
        t.clear()
        t.type("show version\r")
        t.wait(r"^dpdk +DPDK")
        t.wait(PROMPT)
        t.type("quit\r")
        need(t.end() == 0, "quit")
    stop(process)
    ok("the engine is told to be away, and found again")


# ---- the engine's own terminal


def engine_terminal():
    with Terminal([engine, "-i"]) as t:
        t.wait(PROMPT, 30)
        t.type("show ver\t\r")
        t.wait(r"^dpdk +DPDK")
        t.wait(PROMPT)
        t.clear()
        t.type("show hea")
        t.wait(r"^crowfly> show hea$")
        os.kill(t.pid, signal.SIGHUP)
        t.wait(r"^20.* notice: SIGHUP: (.*\n)+crowfly> show hea$")
        t.type("\t\r")
        t.wait(r"^crowfly> show health$")
        t.wait(PROMPT)
        ok("-i: a log line leaves the typed line")
        t.clear()
        t.type("events\r")
        time.sleep(0.5)
        t.type("\x03")
        t.wait(r"^\^C\ncrowfly>$")
        t.type("quit\r")
        t.wait("notice: end of the prompt: stopping")
        need(t.end() == 0, "quit ends the engine")
    ok("-i: Ctrl-C ends events, quit the engine")
    with Terminal([engine, "-i"]) as t:
        t.wait(PROMPT, 30)
        t.type("typed")
        t.wait("^crowfly> typed$")
        os.kill(t.pid, signal.SIGTERM)
        need(t.end() == 0, "SIGTERM")
    with Terminal([engine, "-i"]) as t:
        t.wait(PROMPT, 30)
        t.type("\x04")
        need(t.end() == 0, "Ctrl-D")
    ok("-i: SIGTERM and Ctrl-D end the engine")


def flow_control(t):
    return bool(termios.tcgetattr(t.fd)[0] & termios.IXON)


def stopped_terminal():
    with Terminal([engine, "-i"]) as t:
        t.wait(PROMPT, 30)
        need(not flow_control(t), "Ctrl-S stops the prompt")
        t.type("events\r")
        end = time.monotonic() + 10
        while not flow_control(t):
            need(time.monotonic() < end, "a command runs without the terminal's modes")
        t.type("\x13")
        time.sleep(0.5)
        for command in ("drain", "undrain"):  # each is a line of the log
            subprocess.run([crowfly, "-s", socket, command], check=True, capture_output=True, timeout=10)
        os.kill(t.pid, signal.SIGTERM)
        need(t.end() == 0, "SIGTERM while the terminal's output is stopped")
    ok("-i: Ctrl-S holds up neither the API nor the end")


def engine_pipe():
    output, status = pipe("show version\nshow nonsense\nshow info\n", "-i", program=(engine,))
    need(status == 2 and re.search(r"^dpdk +DPDK(.*\n)+stdin:2: show nonsense: ", output, re.MULTILINE), f"{status}: {output}")
    need("show info" not in output and "wire_addresses" not in output, f"it goes on after an error: {output}")
    output, status = pipe("show version\n", "--interactive", program=(engine,))
    need(status == 0 and "dpdk " in output, f"{status}: {output}")
    ok("-i in a pipe: the commands, then the end, with their exit status")


# ---- pipes and files


def pipes():
    output, status = pipe("help quit\nhelp nonsense\nhelp load\n", "-k")
    need(status == 2 and re.fullmatch(r"control.*\n  quit.*\nstdin:2: help: .*\ncontrol.*\n  load .*\n(  .*\n)?", output), f"{status}: {output}")
    output, status = pipe("help quit\nsession remove 4000000000\nhelp load\n")
    need(status == 1 and re.fullmatch(r"control.*\n  quit.*\nstdin:2: session remove: no session 4000000000\n", output), f"{status}: {output}")
    output, status = pipe("show info\n", program=(crowfly, "-s", "/nonexistent"))
    need(status == 3 and output.startswith("stdin:1: cannot connect to the engine at /nonexistent: "), f"{status}: {output}")
    many = "show stats\nhelp quit\n" * 200
    output, status = pipe(many, "-j")
    need(status == 0 and output.count("\n") == 400, f"{status}: {output.count(chr(10))} lines of 400")
    output, status = pipe("", "-f", f"{folder}/commands")
    need(status == 2 and f"{folder}/commands:3: show: not complete" in output, f"{status}: {output}")
    need(pipe("")[1] == 0, "no commands")
    closed = subprocess.run([crowfly, "-s", socket, "help"], stdout=open("/dev/full", "w"), stderr=subprocess.PIPE, text=True)
    need(closed.returncode == 1 and "cannot write the output" in closed.stderr, f"full disk: {closed}")
    ok("pipes and files: whole, in order, exit statuses 0 to 3")


def engine_without():
    """The end of standard input stops no daemon."""
    process = start_engine()
    time.sleep(1)
    need(process.poll() is None, "the engine ends with its standard input")
    completes()
    edits()
    pipes()
    stop(process)
    ok("without -i the end of standard input stops nothing")


with open(f"{folder}/commands", "w") as commands:
    commands.write("# twice\nhelp quit # this\nshow\nhelp\n")
engine_without()
restarts()
engine_terminal()
stopped_terminal()
engine_pipe()
