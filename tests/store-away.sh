#!/usr/bin/env bash
# The store is away for ten minutes while conversations talk. Build first: dotnet build tests/Streaming.EndToEnd.Tests -c Release
set -euo pipefail
cd "$(dirname "$0")/.."
export MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=17179869184 MALLOC_TOP_PAD_=67108864 MALLOC_ARENA_MAX=1
export STREAMING_STORE_AWAY_SECONDS=${STREAMING_STORE_AWAY_SECONDS:-600}
tests/Streaming.EndToEnd.Tests/bin/Release/net10.0/Streaming.EndToEnd.Tests -method '*Replies_outlast_a_store_that_is_away*'
