#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every command of `crowfly -j help` against its row in commands/*.json.

   commands.py CROWFLY VARIABLES    VARIABLES: a JSON object with "sockets": {"engine-a": PATH, "agent-a": PATH, ...};
                                    what else is in it stands for {name} in the rows

A file holds {PATTERN: row}; a row {"good": [case, ...], "bad": [case, ...], "last": true}. Rows with "last" run after all
others. A case:
   run      the command's words
   text     regular expressions (one, or a list) that its output must match (re.MULTILINE)
   json     paths that its output with -j must have, "sessions.0.id"; {path: value} for given values. A good case of a
            `show` must have it; with it, the command runs twice
   before   commands run first, a string or {"run", "host", "background": true, "until": command, "text": regex}
   after    the same, run afterwards
   host     whose sockets are used: "a"
   input    what stands in standard input
   stop     true: it runs until Ctrl-C, which comes when `text` has matched; `during`: commands, once it runs
   status   of a bad case (1); `error`: a regular expression for standard error; `output`: for its output (none)
The wrong arguments that the pattern itself refuses are made from it and the first good case: too many, missing, another
word, no number, out of range; none may reach a server, and the error must name what was expected."""

import functools
import json
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

crowfly = sys.argv[1]
variables = json.loads(sys.argv[2])
sockets = variables.pop("sockets")
checks = 0


def need(condition, text):
    global checks
    checks += 1
    if not condition:
        raise SystemExit(f"FAIL: {text}")


def run(words, socket=None, options=(), text=None):
    command = [crowfly, *options, *(["-s", socket] if socket else []), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, input=text or "")


# ---- patterns


NUMBERS = ("0", "4294967296", "18446744073709551616")  # tried where another number stands


def tokens(pattern):
    return re.findall(r"[()\[\]|]|[^\s()\[\]|]+", pattern)


class Pattern:
    """What a pattern takes, as a regular expression over the words with a blank before each."""

    def __init__(self, pattern, placeholders):
        self.tokens, self.placeholders = tokens(pattern), placeholders
        self.regex = re.compile(self.sequence())
        need(not self.tokens, f"{pattern}: cannot be read")

    def sequence(self):
        out = ""
        while self.tokens and self.tokens[0] not in ")]|":
            token = self.tokens.pop(0)
            if token == "(":
                ways = [self.sequence()]
                while self.tokens.pop(0) == "|":
                    ways.append(self.sequence())
                out += f"(?:{'|'.join(ways)})"
            elif token == "[":
                out += f"(?:{self.options()})*"
            else:
                out += self.word(token)
        return out

    def options(self):
        ways = [self.sequence()]
        self.tokens.pop(0)
        while self.tokens and self.tokens[0] == "[":
            self.tokens.pop(0)
            ways.append(self.sequence())
            self.tokens.pop(0)
        return "|".join(ways)

    def word(self, token):
        name = token.removesuffix("...")
        one = " " + re.escape(name)
        if name[0].isupper():
            kind = self.placeholders[name]["kind"]
            one = self.number(self.placeholders[name]) if kind == "number" else r" \S+"
            if kind == "choice":
                one = f" (?:{self.placeholders[name]['choices']})"
        return f"(?:{one})+" if token != name else one

    @staticmethod
    def number(placeholder):
        """Without those of NUMBERS that are out of its range."""
        out = [n for n in NUMBERS if not placeholder["min"] <= int(n) <= placeholder["max"]]
        return f" (?!(?:{'|'.join(out)})(?: |$))(?:0x[0-9a-fA-F]+|\d+)"

    def takes(self, words):
        return self.regex.fullmatch("".join(" " + w for w in words)) is not None


def wrong(pattern, words):
    """(words, where) of commands that the pattern refuses; where: the first wrong word, None: some are missing."""
    for n in range(1, len(words)):
        yield words[:n], None
    yield words + ["surplus"], len(words)
    for i in range(1, len(words)):
        for instead in ("wrong!", "-1", "1x", *NUMBERS):
            yield words[:i] + [instead] + words[i + 1:], i


@functools.cache
def pattern_of(command):
    return Pattern(command, table["placeholders"])


def check_wrong(command, example):
    pattern = pattern_of(command)
    words = example.split()
    need(pattern.takes(words), f"{command}: {example} is none")
    fixed = {t for t in tokens(command) if t[0].islower()}
    names = {t.removesuffix("...") for t in tokens(command) if t[0].isupper()}
    lines = []
    for made, where in wrong(pattern, words):
        if not is_command(made):  # another one, perhaps
            lines.append((made, where))
    check_lines(command, lines, words, fixed, names)


def is_command(words):
    return any(pattern_of(c["command"]).takes(words) for c in table["commands"])


def check_lines(command, lines, words, fixed, names):
    if not lines:
        return
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("".join(" ".join(f"'{w}'" for w in made) + "\n" for made, _ in lines))
        file.flush()
        done = run([], "/nonexistent", ["-k", "-f", file.name])
        errors = done.stderr.replace(file.name, "FILE").splitlines()
    need(done.returncode == 2, f"{command}: wrong arguments: exit status {done.returncode}: {done.stderr}")
    need(not done.stdout, f"{command}: wrong arguments: {done.stdout}")
    need(len(errors) == len(lines), f"{command}: {len(lines)} wrong arguments, {len(errors)} errors:\n{done.stderr}")
    for number, ((made, where), error) in enumerate(zip(lines, errors), 1):
        begin = f"FILE:{number}: {' '.join(made)}: "
        begin += "not complete, expected: " if where is None else f"'{made[where]}' (word {where + 1}) is wrong, expected: "
        need(error.startswith(begin), f"{command}: {' '.join(made)}: {error}")
        expected = set(re.findall(r"[\w-]+", error[len(begin):]))
        should = {words[len(made)]} if where is None else {words[where]} if where < len(words) else {"the", "nothing"}
        need(expected & (should if should & fixed else should | names | {"the", "nothing"}),
             f"{command}: '{error}' does not name {should}")


# ---- rows


def fill(text):
    for name, value in variables.items():
        text = text.replace("{" + name + "}", str(value))
    return text


def socket_of(server, host):
    whose = {"either": "agent", "none": "engine"}.get(server, server)  # `load` runs commands of the engine
    return sockets[f"{whose}-{host}"]


def server_of(words):
    for c in table["commands"]:
        if pattern_of(c["command"]).takes(words):
            return c["server"]
    raise SystemExit(f"FAIL: '{' '.join(words)}' is no command")


def prepare(steps, host):
    for step in [steps] if isinstance(steps, (str, dict)) else steps:
        step = {"run": step} if isinstance(step, str) else step
        words = fill(step["run"]).split()
        at = socket_of(server_of(words), step.get("host", host))
        if step.get("background"):
            background.append(subprocess.Popen([crowfly, "-s", at, *words], stdout=subprocess.DEVNULL,
                                               stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL))
        elif "until" in step or "text" in step:
            wait_for(words, at, fill(step["text"]))
        else:
            done = run(words, at)
            need(done.returncode == 0, f"{' '.join(words)}: {done.stderr}")


def wait_for(words, at, regex):
    """Until the output matches; its groups become variables."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        done = run(words, at)
        found = re.search(regex, done.stdout, re.MULTILINE)
        if found:
            variables.update(found.groupdict())
            return
        time.sleep(0.1)
    raise SystemExit(f"FAIL: not within 10 s: {' '.join(words)} gives {regex}, but:\n{done.stdout}{done.stderr}")


def find(value, path):
    for part in path.split("."):
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value


def check_json(case, words, at, text):
    done = run(words, at, ["-j"], text)
    need(done.returncode == 0 and not done.stderr, f"-j {case['run']}: status {done.returncode}: {done.stderr}")
    need(done.stdout.count("\n") == 1, f"-j {case['run']}: not one line:\n{done.stdout}")
    value = json.loads(done.stdout)
    wanted = case["json"]
    for path in wanted:
        try:
            found = find(value, path)
        except (KeyError, IndexError, TypeError):
            raise SystemExit(f"FAIL: -j {case['run']}: no {path} in {done.stdout}") from None
        if isinstance(wanted, dict):
            need(str(found) == fill(str(wanted[path])), f"-j {case['run']}: {path} is {found}, expected {wanted[path]}")


def run_until(case, words, at):
    """A command that ends by SIGINT, once its output matches."""
    with tempfile.NamedTemporaryFile("r") as output:
        process = subprocess.Popen([crowfly, "-s", at, *words], stdout=open(output.name, "w"), stderr=subprocess.STDOUT)
        background.append(process)
        time.sleep(0.3)
        prepare(case.get("during", []), case.get("host", "a"))
        end = time.monotonic() + 10
        while not re.search(fill(case["text"]), text := Path(output.name).read_text(), re.MULTILINE):
            need(time.monotonic() < end, f"{case['run']}: no '{case['text']}' in:\n{text}")
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        need(process.wait(10) == 0, f"{case['run']}: after Ctrl-C: status {process.returncode}: {text}")


def check_good(command, case):
    host = case.get("host", "a")
    prepare(case.get("before", []), host)
    words = fill(case["run"]).split()
    need(pattern_of(command["command"]).takes(words), f"{case['run']} is no {command['command']}")
    at, text = socket_of(command["server"], host), fill(case.get("input", ""))
    if case.get("stop"):
        run_until(case, words, at)
        return
    done = run(words, at, text=text)
    need(done.returncode == 0 and not done.stderr, f"{case['run']}: status {done.returncode}: {done.stderr}")
    expected = case["text"] if isinstance(case["text"], list) else [case["text"]]
    for regex in expected:
        need(re.search(fill(regex), done.stdout, re.MULTILINE), f"{case['run']}: no '{regex}' in:\n{done.stdout}")
    need("\x1b" not in done.stdout, f"{case['run']}: escape codes")
    if "json" in case:
        check_json(case, words, at, text)
    prepare(case.get("after", []), host)


def check_bad(command, case):
    host = case.get("host", "a")
    prepare(case.get("before", []), host)
    done = run(fill(case["run"]).split(), case.get("socket", socket_of(command["server"], host)), text=fill(case.get("input", "")))
    need(done.returncode == case.get("status", 1), f"{case['run']}: status {done.returncode}: {done.stdout}{done.stderr}")
    need(re.search(case.get("output", r"\A\Z"), done.stdout, re.MULTILINE), f"{case['run']}: {done.stdout}")
    need(re.search(fill(case["error"]), done.stderr), f"{case['run']}: no '{case['error']}' in: {done.stderr}")
    prepare(case.get("after", []), host)


def check_row(command, row):
    pattern = command["command"]
    need(row.get("good"), f"{pattern}: no good case")
    for case in row["good"]:
        need("json" in case or not pattern.startswith("show "), f"{pattern}: no JSON in the case of a show")
        check_good(command, case)
    for case in row.get("bad", []):
        check_bad(command, case)
    check_wrong(pattern, fill(row["good"][0]["run"]))


def read_rows():
    rows = {}
    for file in sorted(Path(__file__).with_name("commands").glob("*.json")):
        for pattern, row in json.loads(file.read_text()).items():
            need(pattern not in rows, f"{file.name}: a second row for {pattern}")
            rows[pattern] = row
    return rows


background = []
table = json.loads(run(["help"], options=["-j"]).stdout)
commands = {c["command"]: c for c in table["commands"]}
rows = read_rows()
missing = [c for c in commands if c not in rows]
need(not missing, f"no row in tests/func/commands for: {', '.join(missing)}")
stale = [r for r in rows if r not in commands]
need(not stale, f"rows of no command: {', '.join(stale)}")
try:
    for last in (False, True):
        for pattern, row in rows.items():
            if row.get("last", False) == last:
                check_row(commands[pattern], row)
                print(f"ok: {pattern}", flush=True)
finally:
    for process in background:
        process.kill()
        process.wait()
print(f"{len(commands)} commands, {checks} checks")
