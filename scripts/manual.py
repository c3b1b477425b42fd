#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The command reference of README.md and the manual pages, from the programs' own tables.

   manual.py BUILD readme [--check]    writes README.md's reference anew; --check: exit status 1 if it is out of date
   manual.py BUILD page NAME.N         the page for scdoc: scripts/man/NAME.N.scd, with these lines filled in:
                                       @commands@ (of crowfly), @placeholders@, @options PROGRAM [COMMAND]@,
                                       @subcommands PROGRAM@, @lines PROGRAM@"""

import json
import re
import subprocess
import sys
from pathlib import Path

top = Path(__file__).resolve().parent.parent
build = Path(sys.argv[1]).resolve()
BEGIN = "<!-- made by scripts/manual.py: make reference -->\n"
END = "<!-- end -->\n"


def output(program, *arguments):
    path = top / "scripts/host-setup.sh" if program == "crowfly-host-setup" else build / program
    return subprocess.run([path, *arguments], capture_output=True, text=True, check=True).stdout


def table():
    return json.loads(output("crowfly", "-j", "help"))


# ---- README.md


def cell(text):
    return text.replace("|", "\\|").replace("<", "&lt;")


def code(text):
    return "`" + text.replace("|", "\\|") + "`"


def reference():
    commands = table()
    out = ""
    for section in commands["sections"]:
        rows = [c for c in commands["commands"] if c["section"] == section["section"]]
        if not rows:
            continue
        out += f"\n**{section['section']}**: {cell(section['help'])}\n\n| command | |\n| --- | --- |\n"
        out += "".join(f"| {code(c['command'])} | {cell(c['help'])} |\n" for c in rows)
    return out + "\n"


def readme(check):
    path = top / "README.md"
    before = path.read_text()
    head, rest = before.split(BEGIN)
    after = head + BEGIN + reference() + END + rest.split(END)[1]
    if after == before:
        return 0
    if check:
        print("README.md: the command reference is out of date: make reference", file=sys.stderr)
        return 1
    path.write_text(after)
    return 0


# ---- manual pages


def escape(text):
    return re.sub(r"([\\_*<>#.\[`-])", r"\\\1", text)


def item(name, text):
    return f"*{escape(name)}*\n\t{escape(text)}\n\n"


def commands_page():
    commands = table()
    out = ""
    for section in commands["sections"]:
        rows = [c for c in commands["commands"] if c["section"] == section["section"]]
        if rows:
            out += f"## {section['section'].upper()}\n\n{escape(section['help'].capitalize())}\\.\n\n"
        for c in rows:
            whose = f" (the {c['server']}'s)" if c["server"] in ("engine", "agent") else ""
            out += item(c["command"], f"{c['help']}{whose}; since {c['since']}")
    return out


def placeholders_page():
    out = ""
    for name, p in table()["placeholders"].items():
        more = f", {p['min']} to {p['max']}" if p["kind"] == "number" else ""
        more += f": {p['choices'].replace('|', ', ')}" if p.get("choices") else ""
        out += item(name, p["help"] + more)
    return out


def options_page(program, *arguments):
    text = re.sub(r"\n {16,}(?=[^ -])", " ", output(program, *arguments, "--help"))
    found = re.findall(r"^ +((?:-\w, )?--[a-z][\w-]*)(?: +([A-Z][A-Z/:-]*\d?|yes\|no)(?= ))? +(\S.*)$", text, re.MULTILINE)
    if not found:
        raise SystemExit(f"manual: {program} {' '.join(arguments)}: no options in its --help")
    return "".join(item(f"{name} {argument}".strip(), help) for name, argument, help in found)


def subcommands_page(program):
    out = ""
    for name, text in re.findall(r"^  ([a-z]+) +(.*)$", output(program, "--help"), re.MULTILINE):
        out += f"## {name.upper()}\n\n*{program} {name}*: {escape(text)}\n\n" + options_page(program, name)
    return out


def lines_page(program):
    """The lines of `commands:` in the help."""
    text = output(program, "--help").split("commands:\n")[1]
    return "".join(item(name, text) for name, text in re.findall(r"^  (\S.*?) {2,}(.*)$", text, re.MULTILINE))


def page(name):
    makers = {"commands": commands_page, "placeholders": placeholders_page, "options": options_page,
              "subcommands": subcommands_page, "lines": lines_page}

    def fill(match):
        maker, *arguments = match[1].split()
        return makers[maker](*arguments)

    print(re.sub(r"^@(.*)@$\n", fill, (top / "scripts/man" / f"{name}.scd").read_text(), flags=re.MULTILINE), end="")
    return 0


sys.exit(readme("--check" in sys.argv) if sys.argv[2] == "readme" else page(sys.argv[3]))
