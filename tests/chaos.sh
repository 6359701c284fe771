#!/usr/bin/env bash
# The chaos test at full length: 30 faults while 24 conversations with 4 watchers each run; then rolling restarts in another cluster
# (these alone: tests/chaos.sh restarts). Writes both reports to tests/results.
# Build first: dotnet build tests/Streaming.EndToEnd.Tests -c Release
set -euo pipefail
cd "$(dirname "$0")/.."
export MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=17179869184 MALLOC_TOP_PAD_=67108864 MALLOC_ARENA_MAX=1
export STREAMING_CHAOS_CONVERSATIONS=${STREAMING_CHAOS_CONVERSATIONS:-24} STREAMING_CHAOS_WATCHERS=${STREAMING_CHAOS_WATCHERS:-4}
export STREAMING_CHAOS_FREEZE_SECONDS=${STREAMING_CHAOS_FREEZE_SECONDS:-30}
# Azurite scans all rows of a table for every query. Longer groups, and rests such as users make while they read, keep the rows few.
export STREAMING_CHAOS_REST_SECONDS=${STREAMING_CHAOS_REST_SECONDS:-5}

run() { # report, faults, rolling restarts, numbers that each watcher sees before the first fault, milliseconds of a group
    STREAMING_CHAOS_REPORT=$PWD/tests/results/$1 STREAMING_CHAOS_FAULTS=$2 STREAMING_CHAOS_RESTARTS=$3 STREAMING_CHAOS_WARM_UP_NUMBERS=$4 \
        STREAMING_CLUSTER_SETTINGS="GroupTokens=200 GroupMilliseconds=$5" \
        tests/Streaming.EndToEnd.Tests/bin/Release/net10.0/Streaming.EndToEnd.Tests -diagnostics -class '*ChaosTests'
    cat "tests/results/$1"
}

mkdir -p tests/results
[ "${1:-}" = restarts ] || run chaos.md "${STREAMING_CHAOS_FAULTS:-30}" 0 100 400
run rolling-restart.md 0 "${STREAMING_CHAOS_RESTARTS:-6}" 700 200
