#!/usr/bin/env bash
# Builds everything and runs all tests; installs what they need (Chromium from the system's packages, if missing).
# Ends with a line "N passed, N failed, N skipped" made from the runners' own result files.
set -uo pipefail
cd "$(dirname "$0")"

say() { printf '\n== %s\n' "$*"; }
need() { command -v "$1" >/dev/null || { echo "$1 was not found: $2" >&2; exit 1; }; }

need dotnet "install the .NET SDK 10 (https://dot.net)."
need node "install Node.js 20 or newer (https://nodejs.org)."

# libtorch's large blocks stay in the process, and its threads do not spin beside the tests (docs/design.md, the allocator).
export MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=17179869184 MALLOC_TOP_PAD_=67108864 MALLOC_ARENA_MAX=1 GLIBC_TUNABLES=glibc.malloc.hugetlb=1
export OMP_WAIT_POLICY=passive GOMP_SPINCOUNT=0
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [ -z "$chromium" ]; then
  say "Installing Chromium for the browser tests"
  if command -v apt-get >/dev/null; then
    as_root=""; [ "$(id -u)" = 0 ] || as_root=sudo
    $as_root apt-get update -qq && $as_root apt-get install -y -qq chromium >/dev/null || exit 1
    chromium=$(command -v chromium)
  else
    echo "No Chromium was found, and no apt-get to install it with: install Chromium or Chrome, and run this again." >&2
    exit 1
  fi
fi
export CHROMIUM="$chromium"

# llama.cpp, which checkpoints are compared with, needs GNU OpenMP.
if ! PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null | grep -q libgomp.so.1 && command -v apt-get >/dev/null; then
  say "Installing libgomp1 for the comparisons with llama.cpp"
  as_root=""; [ "$(id -u)" = 0 ] || as_root=sudo
  $as_root apt-get update -qq && $as_root apt-get install -y -qq libgomp1 >/dev/null || exit 1
fi

results=artifacts/test-results
rm -rf "$results"; mkdir -p "$results"

say "Building"
dotnet build Streaming.Orleans.sln -c Release -v quiet --nologo || exit 1

say "Testing the page"
page=src/Streaming.Gateway/page
status=0
(cd "$page" && npx vitest run --reporter=default --reporter=json --outputFile.json="../../../$results/page.json") || status=1

say "Testing the rest"
# One test process at a time: some measure memory, some start hosts and a browser.
dotnet test --solution Streaming.Orleans.sln -c Release --no-build --max-parallel-test-modules 1 \
  --timeout 15m --report-trx --results-directory "$results" "$@" || status=1

node build/count-results.mjs "$results" || status=1
exit $status
