#!/usr/bin/env bash
# The chaos test at full length: 30 faults and two rolling restarts while 24 conversations talk, 4 watchers each. Keeps its report.
# Build first: dotnet build tests/Streaming.EndToEnd.Tests -c Release
set -euo pipefail
cd "$(dirname "$0")/.."
export MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=17179869184 MALLOC_TOP_PAD_=67108864 MALLOC_ARENA_MAX=1
export STREAMING_CHAOS_FAULTS=${STREAMING_CHAOS_FAULTS:-30} STREAMING_CHAOS_CONVERSATIONS=${STREAMING_CHAOS_CONVERSATIONS:-24}
export STREAMING_CHAOS_RESTARTS=${STREAMING_CHAOS_RESTARTS:-6}
export STREAMING_CHAOS_WATCHERS=${STREAMING_CHAOS_WATCHERS:-4} STREAMING_CHAOS_FREEZE_SECONDS=${STREAMING_CHAOS_FREEZE_SECONDS:-30}
mkdir -p tests/results
export STREAMING_CHAOS_REPORT=${STREAMING_CHAOS_REPORT:-$PWD/tests/results/chaos.md}
tests/Streaming.EndToEnd.Tests/bin/Release/net10.0/Streaming.EndToEnd.Tests -class 'Streaming.EndToEnd.Tests.Chaos.ChaosTests'
cat "$STREAMING_CHAOS_REPORT"
