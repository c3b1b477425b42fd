#!/usr/bin/env bash
# The short standard set of benchmarks: make bench.   SECONDS_EACH=1   for each line of a table
set -euo pipefail
cd "$(dirname "$0")/.."
bench=${BUILD:-build}/crowfly-bench
each=${SECONDS_EACH:-1}

grep -m1 'model name' /proc/cpuinfo | sed 's/.*: /CPU: /'
echo "SRTP of G.711 (160 bytes): from keys that fit the cache to 100,000 one-way streams"
for streams in 1 1000 100000; do
	"$bench" floor --streams "$streams" --seconds "$each"
done
echo "SRTP of video (1,200 bytes)"
"$bench" floor --streams 10000 --payload 1200 --seconds "$each"
echo "The flow table against others"
"$bench" lookup --seconds 0.3
echo "Memory of a stream"
"$bench" memory
echo "Sessions set up while packets flow"
"$bench" setup
