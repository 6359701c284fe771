#!/usr/bin/env bash
# Kills a silo twenty times in mid-reply, and keeps a report.
# Build first: dotnet build tests/Streaming.EndToEnd.Tests -c Release
set -euo pipefail
cd "$(dirname "$0")/.."
export MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=17179869184 MALLOC_TOP_PAD_=67108864 MALLOC_ARENA_MAX=1
export STREAMING_KILLS=${STREAMING_KILLS:-20} STREAMING_KILLS_REPORT=${STREAMING_KILLS_REPORT:-$PWD/tests/results/kills.md}
commit=$(git describe --always --dirty)
mkdir -p tests/results
cat > "$STREAMING_KILLS_REPORT" <<END
# A silo is killed in mid-reply

\`tests/kills.sh\`, $(date -u +%Y-%m-%d), commit $commit, $(nproc) processors. An endless reply runs while its
silo is killed and started again. One watcher connects to the silo after each start; another stays connected to a stand-alone gateway.
A gap, a repetition or a text that differs from the stored one ends the run without a row here.

| kills | characters of the reply | events | lost | repeated |
|---:|---:|---:|---:|---:|
END
tests/Streaming.EndToEnd.Tests/bin/Release/net10.0/Streaming.EndToEnd.Tests -method '*.KillTests.Kills_in_mid_reply_lose_and_repeat_nothing'
cat "$STREAMING_KILLS_REPORT"
