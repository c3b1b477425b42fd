# SPDX-License-Identifier: BSD-3-Clause
"""A program on a pseudo-terminal, and what its screen shows: enough of a VT100 for a prompt."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time


class Screen:
    def __init__(self, columns):
        self.columns = columns
        self.rows = [[]]
        self.row = self.column = 0

    def put(self, c):
        if self.column == self.columns:  # the character behind the last column
            self.down()
            self.column = 0
        row = self.rows[self.row]
        row.extend(" " * (self.column + 1 - len(row)))
        row[self.column] = c
        self.column += 1

    def down(self):
        self.row += 1
        if self.row == len(self.rows):
            self.rows.append([])

    def obey(self, parameter, end):
        n = int(parameter) if parameter.isdigit() else 1
        if end == "A":
            self.row = max(0, self.row - n)
        elif end == "B":
            self.row = min(len(self.rows) - 1, self.row + n)
        elif end == "C":
            self.column = min(self.columns - 1, self.column + n)
        elif end == "D":
            self.column = max(0, self.column - n)
        elif end == "J" and parameter in ("", "0"):
            del self.rows[self.row][self.column:]
            del self.rows[self.row + 1:]
        elif end == "J":
            self.rows = [[]]
        elif end == "H":
            self.row = self.column = 0
        elif end == "K":
            del self.rows[self.row][self.column:]
        else:
            raise SystemExit(f"FAIL: the terminal got ESC [{parameter}{end}")

    def feed(self, text):
        for c, parameter, end in re.findall(r"([^\x1b])|\x1b\[([0-9]*)([A-Za-z])", text):
            if end:
                self.obey(parameter, end)
            elif c == "\r":
                self.column = 0
            elif c == "\n":
                self.down()
            elif c == "\b":
                self.column = max(0, self.column - 1)
            else:
                self.put(c)

    def text(self):
        return "\n".join("".join(row).rstrip() for row in self.rows)


class Terminal:
    """with Terminal([program, ...]) as t: t.type("show\\t"); t.wait("regex")"""

    def __init__(self, command, columns=80, **options):
        self.screen, self.raw = Screen(columns), ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "vt100"
            os.execvp(command[0], command)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.status = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)

    def read(self, seconds):
        if not select.select([self.fd], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.fd, 65536).decode()
        except OSError:  # the program has ended
            return False
        self.raw += data
        self.screen.feed(data)
        return data != ""

    def type(self, keys):
        os.write(self.fd, keys.encode())

    def lines(self):
        return self.screen.text().split("\n")

    def wait(self, regex, seconds=10):
        """Until the screen matches."""
        end = time.monotonic() + seconds
        while not re.search(regex, self.screen.text(), re.MULTILINE):
            if time.monotonic() > end:
                raise SystemExit(f"FAIL: not on the screen within {seconds} s: {regex}\n--- screen\n{self.screen.text()}\n---")
            self.read(0.05)

    def cursor(self):
        return self.screen.row, self.screen.column

    def clear(self):
        """Forgets what is above the cursor's row."""
        del self.screen.rows[:self.screen.row]
        self.screen.row = 0

    def end(self, seconds=10):
        """Its exit status."""
        until = time.monotonic() + seconds
        while self.status is None:
            self.read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > until:
                raise SystemExit(f"FAIL: it does not end\n--- screen\n{self.screen.text()}\n---")
        while self.read(0):
            pass
        return self.status
