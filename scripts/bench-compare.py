#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Compares two results of crowfly-bench, or two folders of them, row by row.

    scripts/bench-compare.py OLD NEW        files, or folders with files of the same names

Rows belong together if they have the same command and the same workload: everything in them that is no figure. Where a row
has a `ratio` or `crowfly_ratio`, to something measured in the same run, that is compared and nothing else: the rest depends
on the machine.

A figure became better or worse if its medians differ by at least 3 % (--least) and, where both have the minimum and maximum
of their repeats, all repeats of the one are on one side of all repeats of the other. A figure without them has to differ
by 10 % (--alone). What is not Crowfly's own (the floor, libsrtp2) is shown, and decides nothing.

Exit status: 0 nothing became worse, 1 something did, 2 the comparison is not possible.
"""
import argparse
import json
import os
import sys

# Figures by their names or how these end, and whether more of it is better. Not in these: part of the workload, or told only.
MORE = ("mpps", "mlookups", "ratio", "_per_s", "_per_second", "pps_per_cpu")
LESS = ("_ns", "_us", "ns_per_packet", "ns_per_lookup", "ns_per_miss", "bytes_per_stream", "lost", "loss")
TOLD = ("floor_mpps", "highest_mpps", "floor_highest_mpps", "worker_share", "limited_by", "forwarded_mpps", "trials", "offered_mpps", "repeats", "seconds", "packets", "context_bytes", "owned_share", "scaling", "floor_scaling", "owned_packets", "max_us", "owned_max_us")
NOT_OURS = ("floor", "libsrtp2", "rte_hash", "cds_lfht")


def kind(name, value):
    """more, less, told or workload"""
    if name in TOLD or isinstance(value, (dict, list)) or value is None:
        return "told"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if name.endswith(MORE):
            return "more"
        if name.endswith(LESS):
            return "less"
    return "workload"


def impossible(why):
    print(f"bench-compare: {why}", file=sys.stderr)
    raise SystemExit(2)


def read(path):
    try:
        with open(path) as f:
            result = json.load(f)
        command, rows = result["command"], result["results"]
        if result["schema"] != 1 or not all(isinstance(row, dict) for row in rows):
            raise ValueError("not of schema 1")
    except (OSError, ValueError, KeyError, TypeError) as e:
        impossible(f"{path}: not a result of crowfly-bench: {e}")
    keyed = {}
    for row in rows:
        workload = [(n, v) for n, v in row.items() if kind(n, v) == "workload"]
        keyed[command + " " + " ".join(f"{n}={v}" for n, v in sorted(workload))] = row
    return result, keyed


def figures(row):
    names = [n for n, v in row.items() if kind(n, v) in ("more", "less")]
    for ratio in ("ratio", "crowfly_ratio"):
        if ratio in names:
            return [ratio]
    if "owned_p99_us" in names:
        return ["owned_p50_us", "owned_p99_us"]  # with what took a core away, the rest is chance
    if "mpps" in names and "ns_per_packet" in names:
        names.remove("ns_per_packet")  # the same, upside down
    return names


def compare(name, old, new, options):
    """The change in per cent, and whether it is beyond the noise: -1 worse, 1 better, 0 neither"""
    a, b = old[name], new[name]
    spreads = [row.get(name + "_spread") for row in (old, new)]
    least = options.least
    apart = True
    if all(spreads):
        apart = spreads[0]["max"] < spreads[1]["min"] or spreads[1]["max"] < spreads[0]["min"]
    else:
        least = options.alone
    change = 100 * (b - a) / a if a else (100.0 if b else 0.0)
    if not apart or abs(change) < least:
        return change, 0
    return change, 1 if (change > 0) == (kind(name, b) == "more") else -1


def compare_files(old_path, new_path, options, counts):
    old, old_rows = read(old_path)
    new, new_rows = read(new_path)
    for what in ("model", "flags", "cores", "ipsec_mb"):
        if old.get("cpu", {}).get(what) != new.get("cpu", {}).get(what):
            print(f"note: the CPUs differ in {what}: {old.get('cpu', {}).get(what)}, {new.get('cpu', {}).get(what)}")
    for key in sorted(old_rows.keys() - new_rows.keys()):
        print(f"gone    {key}")
    for key in sorted(new_rows.keys() - old_rows.keys()):
        print(f"new     {key}")
    for key, row in old_rows.items():
        if key not in new_rows:
            continue
        ours = row.get("code", row.get("table")) not in NOT_OURS
        for name in figures(row):
            if name not in new_rows[key]:
                continue
            change, verdict = compare(name, row, new_rows[key], options)
            counts["compared"] += 1
            if verdict == 0:
                continue
            word = "others" if not ours else "better" if verdict > 0 else "worse"
            counts[word] += 1
            print(f"{word:7} {key}: {name} {row[name]:g} -> {new_rows[key][name]:g} ({change:+.1f} %)")


def pairs(old, new):
    if not os.path.isdir(old) and not os.path.isdir(new):
        return [(old, new)]
    names = [sorted(n for n in os.listdir(d) if n.endswith(".json")) for d in (old, new)]
    for n in sorted(set(names[0]) ^ set(names[1])):
        print(f"note: {n} is in {old if n in names[0] else new} only")
    return [(os.path.join(old, n), os.path.join(new, n)) for n in names[0] if n in names[1]]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", metavar="OLD")
    parser.add_argument("new", metavar="NEW")
    parser.add_argument("--least", type=float, default=3, metavar="PERCENT")
    parser.add_argument("--alone", type=float, default=10, metavar="PERCENT")
    options = parser.parse_args()
    counts = dict.fromkeys(("compared", "better", "worse", "others"), 0)
    for old, new in pairs(options.old, options.new):
        compare_files(old, new, options, counts)
    if counts["compared"] == 0:
        impossible("nothing to compare")
    print(f"{counts['compared']} figures compared: {counts['worse']} became worse, {counts['better']} better")
    return 1 if counts["worse"] else 0


if __name__ == "__main__":
    sys.exit(main())
