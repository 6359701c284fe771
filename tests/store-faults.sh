#!/usr/bin/env bash
# The store fails in every way, and is then unavailable for ten minutes, while replies run. Writes its report to tests/results.
# Build first: dotnet build tests/Streaming.EndToEnd.Tests -c Release
set -euo pipefail
cd "$(dirname "$0")/.."
export MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=17179869184 MALLOC_TOP_PAD_=67108864 MALLOC_ARENA_MAX=1
export STREAMING_STORE_AWAY_SECONDS=${STREAMING_STORE_AWAY_SECONDS:-600}
mkdir -p tests/results
export STREAMING_STORE_REPORT=${STREAMING_STORE_REPORT:-$PWD/tests/results/store-faults.md}
cat > "$STREAMING_STORE_REPORT" <<END
# The store fails while replies run

\`tests/store-faults.sh\`, $(date -u +%Y-%m-%d), commit $(git describe --always), $(nproc) processors. A proxy between a silo and
Azurite injects a fault into every request until every endless reply has told its watcher that it is paused; then it forwards
again. A gap, a repetition, or a text that differs from the stored one ends the run, so a report has none of them.

| fault | at least, s | replies | all continue (40 further numbers) after, s |
|---|---:|---:|---:|
END
tests/Streaming.EndToEnd.Tests/bin/Release/net10.0/Streaming.EndToEnd.Tests -class '*StoreFaultTests'
cat "$STREAMING_STORE_REPORT"
