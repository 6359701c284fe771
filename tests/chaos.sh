#!/usr/bin/env bash
# The chaos test at full length: 30 faults while 24 conversations talk, 4 watchers each; then, in a cluster of its own, rolling
# restarts. Keeps both reports. Build first: dotnet build tests/Streaming.EndToEnd.Tests -c Release
set -euo pipefail
cd "$(dirname "$0")/.."
export MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=17179869184 MALLOC_TOP_PAD_=67108864 MALLOC_ARENA_MAX=1
export STREAMING_CHAOS_CONVERSATIONS=${STREAMING_CHAOS_CONVERSATIONS:-24} STREAMING_CHAOS_WATCHERS=${STREAMING_CHAOS_WATCHERS:-4}
export STREAMING_CHAOS_FREEZE_SECONDS=${STREAMING_CHAOS_FREEZE_SECONDS:-30}
# Azure's emulator is one process that looks at every row of a table for every question: longer groups, and rests as people make
# them while they read, keep the rows few.
export STREAMING_CHAOS_REST_SECONDS=${STREAMING_CHAOS_REST_SECONDS:-5}
export STREAMING_CLUSTER_SETTINGS=${STREAMING_CLUSTER_SETTINGS:-GroupTokens=200 GroupMilliseconds=400}

run() { # faults, rolling restarts, report
    STREAMING_CHAOS_FAULTS=$1 STREAMING_CHAOS_RESTARTS=$2 STREAMING_CHAOS_REPORT=$PWD/tests/results/$3 \
        tests/Streaming.EndToEnd.Tests/bin/Release/net10.0/Streaming.EndToEnd.Tests -diagnostics -class 'Streaming.EndToEnd.Tests.Chaos.ChaosTests'
    cat "tests/results/$3"
}

mkdir -p tests/results
run "${STREAMING_CHAOS_FAULTS:-30}" 0 chaos.md
run 0 "${STREAMING_CHAOS_RESTARTS:-6}" rolling-restart.md
