#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Draws the results of crowfly-bench in a folder, as SVG files beside them, with gnuplot.

    scripts/bench-plot.py FOLDER

path-mpps.svg    packets per second against the number of streams: the engine's path, and the floor
path-ratio.svg   the ratio of the two
path-stages.svg  where a packet's nanoseconds go, stage by stage
peers.svg        rtpengine, kernel sockets and the engine, for each second of CPU time

What a folder has no rows for is not drawn. Exit status: 0, or 1 if nothing could be.
"""
import json
import os
import subprocess
import sys

PAYLOAD = 160  # of the path's plots: G.711
DIRECTIONS = ("protect", "unprotect")
STAGES = ("parse", "lookup", "demux", "claim", "crypto", "rewrite", "tx", "rest")
COLORS = ("#0b6bcb", "#c4501b", "#2e7d32", "#7b3fa0", "#00838f", "#b8860b", "#5d4037", "#546e7a", "#c2185b")


def fail(why):
    print(f"bench-plot: {why}", file=sys.stderr)
    raise SystemExit(1)


def read(folder):
    """All rows by command"""
    rows = {}
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".json"):
            continue
        try:
            with open(os.path.join(folder, name)) as f:
                result = json.load(f)
            rows.setdefault(result["command"], []).extend(result["results"])
        except (OSError, ValueError, KeyError, TypeError) as e:
            fail(f"{os.path.join(folder, name)}: not a result of crowfly-bench: {e}")
    return rows


def data(name, lines):
    return f"${name} << EOD\n" + "\n".join(" ".join(str(x) for x in line) for line in lines) + "\nEOD\n"


def quoted(text):
    return f'"{text}"'


def draw(folder, name, width, height, script):
    path = os.path.join(folder, name)
    head = f"""set terminal svg size {width},{height} dynamic noenhanced font "sans-serif,13" background "#ffffff"
set output "{path}"
set grid ytics lc rgb "#dddddd"
set border lc rgb "#666666"
set key top right reverse Left samplen 2
"""
    try:
        subprocess.run(["gnuplot"], input=head + script, text=True, check=True)
    except FileNotFoundError:
        fail("gnuplot is not installed: scripts/install-deps.sh --bench")
    except subprocess.CalledProcessError:
        fail(f"gnuplot cannot draw {name}")
    print(path)


def path_lines(folder, rows, name, title, series):
    """Two panels, protect and unprotect, a color a suite; `series` are (figure, whether in the key, dash type)"""
    suites = list(dict.fromkeys(r["suite"] for r in rows))
    script = ("set multiplot layout 1,2\nset logscale x\nset xlabel 'streams'\nset format x '%.0s%c'\nset yrange [0:*]\n"
              "set offsets 0,0,graph 0.25,0\nset key font ',10'\n")
    for direction in DIRECTIONS:
        plots = []
        for i, suite in enumerate(suites):
            mine = sorted((r for r in rows if r["suite"] == suite and r["direction"] == direction), key=lambda r: r["streams"])
            if not mine:
                continue
            script += data(f"{direction}{i}", [[r["streams"]] + [r[figure] for figure, _, _ in series] for r in mine])
            for column, (_, named, dash) in enumerate(series, 2):
                plots.append(f"${direction}{i} using 1:{column} with linespoints lw 2 pt 7 ps 0.5 dt {dash} "
                             f"lc rgb '{COLORS[i]}' title {quoted(suite if named else '')}")
        if plots:
            script += f"set title '{title}, {direction}'\nplot " + ", \\\n".join(plots) + "\n"
    draw(folder, name, 1100, 440, script + "unset multiplot\n")


def path_stages(folder, rows):
    suite = rows[0]["suite"]
    bars = [r for r in rows if r["suite"] == suite and r["direction"] in DIRECTIONS]
    bars.sort(key=lambda r: (r["direction"], r["streams"]))
    lines = []
    for r in bars:
        # The packets of a row go both ways; the crypto is that of its direction
        names = [r["direction"] if stage == "crypto" else stage for stage in STAGES[:-1]]
        ns = [r["stages"].get(stage, {}).get("ns", 0) for stage in names]
        lines.append([quoted(f"{r['direction']} {r['streams']:,}")] + ns + [max(0, r["ns_per_packet"] - sum(ns))])
    script = data("bars", lines)
    script += f"""set style data histogram
set style histogram rowstacked
set style fill solid border lc rgb "#ffffff"
set boxwidth 0.75
set xtics rotate by -30
set yrange [0:*]
set key outside right top
set title '{suite}, {PAYLOAD} bytes: nanoseconds of a packet'
plot """ + ", \\\n".join(f"$bars using {i + 2}:xtic(1) title '{stage}' lc rgb '{COLORS[i]}'" for i, stage in enumerate(STAGES))
    draw(folder, "path-stages.svg", 1100, 480, script + "\n")


def peers(folder, rows):
    workload = (rows[0]["streams"], rows[0]["payload"])
    rows = [r for r in rows if (r["streams"], r["payload"]) == workload]
    codes = list(dict.fromkeys(r["code"] for r in rows))
    suites = list(dict.fromkeys(r["suite"] for r in rows))
    values = {(r["suite"], r["code"]): r["mpps_per_cpu"] for r in rows}
    script = data("bars", [[quoted(code)] + [values.get((suite, code), "NaN") for suite in suites] for code in codes])
    script += f"""set style data histogram
set style histogram clustered gap 1
set style fill solid border lc rgb "#ffffff"
set logscale y
set yrange [0.01:*]
set xtics font ",10"
set title '{workload[0]} streams, {workload[1]} bytes: Mpps for each second of CPU time (logarithmic)'
plot """ + ", \\\n".join(f"$bars using {i + 2}:xtic(1) title {quoted(suite)} lc rgb '{COLORS[i]}'"
                         for i, suite in enumerate(suites))
    draw(folder, "peers.svg", 1000, 420, script + "\n")


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        print(__doc__, file=sys.stdout if "--help" in sys.argv else sys.stderr)
        return 0 if "--help" in sys.argv else 2
    folder = sys.argv[1]
    if not os.path.isdir(folder):
        fail(f"{folder}: no such folder")
    rows = read(folder)
    path = [r for r in rows.get("path", []) if r["payload"] == PAYLOAD and r["workers"] == 1]
    if path:
        path_lines(folder, path, "path-mpps.svg", f"Mpps of one worker (dotted: floor), {PAYLOAD} bytes",
                   (("mpps", True, 1), ("floor_mpps", False, 3)))
        path_lines(folder, path, "path-ratio.svg", f"Path over floor, {PAYLOAD} bytes", (("ratio", True, 1),))
        path_stages(folder, path)
    if rows.get("peers"):
        peers(folder, rows["peers"])
    if not path and not rows.get("peers"):
        fail("nothing to draw")
    return 0


if __name__ == "__main__":
    sys.exit(main())
