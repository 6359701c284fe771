#!/usr/bin/env bash
# The store misbehaves in every way, and is then away for ten minutes, while conversations talk. Keeps its report.
# Build first: dotnet build tests/Streaming.EndToEnd.Tests -c Release
set -euo pipefail
cd "$(dirname "$0")/.."
export MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=17179869184 MALLOC_TOP_PAD_=67108864 MALLOC_ARENA_MAX=1
export STREAMING_STORE_AWAY_SECONDS=${STREAMING_STORE_AWAY_SECONDS:-600}
mkdir -p tests/results
export STREAMING_STORE_REPORT=${STREAMING_STORE_REPORT:-$PWD/tests/results/store-faults.md}
cat > "$STREAMING_STORE_REPORT" <<END
# The store misbehaves while replies run

\`tests/store-faults.sh\`, $(date -u +%Y-%m-%d), $(nproc) processors. A proxy between a silo and Azurite answers every request so, until each
of the endless replies has told its watcher that it pauses; then all is well again. A gap, a repetition, or a text that is not the stored
one ends the run, so lost, repeated and differing are 0.

| the proxy | away at least, s | replies | all go on (40 numbers more) after, s |
|---|---:|---:|---:|
END
tests/Streaming.EndToEnd.Tests/bin/Release/net10.0/Streaming.EndToEnd.Tests -class '*StoreFaultTests'
cat "$STREAMING_STORE_REPORT"
