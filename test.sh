#!/usr/bin/env bash
# Builds everything and runs all checks and tests. The last line, "N passed, N failed, N skipped", counts the runners' own result files.
set -uo pipefail
cd "$(dirname "$0")" || exit 1

usage() {
  cat <<'HELP'
Usage: ./test.sh [--filter QUERY] [--help]

Builds everything, checks the style and runs all tests.

  --filter QUERY   runs only the .NET tests that match, in the query language of xUnit.net:
                   /ASSEMBLY/NAMESPACE/CLASS/METHOD, where * stands for any text. For example
                     ./test.sh --filter '/*/*/SlotTableTests'       one class
                     ./test.sh --filter '/*/*/*/*rebuild*'          methods with a word in their name
                   Style checks and tests of the page are left out.
  --help           prints this text.

The tests need the .NET SDK 10, Node.js 20, Chromium and GNU OpenMP (libgomp1). If one of the last two is missing and this
system has apt-get, the script offers to install it.
HELP
}

filter=""
while [ $# -gt 0 ]; do
  case $1 in
    --filter) filter=${2:-}; [ -n "$filter" ] || { echo "--filter needs a query: see ./test.sh --help." >&2; exit 2; }; shift 2 ;;
    --filter=*) filter=${1#*=}; shift ;;
    --help | -h) usage; exit 0 ;;
    *) echo "'$1' is not an option: see ./test.sh --help." >&2; exit 2 ;;
  esac
done

say() { printf '\n== %s\n' "$*"; }
need() { command -v "$1" >/dev/null || { echo "$1 was not found: $2" >&2; exit 1; }; }

# install PACKAGE WHY: by apt-get. Asks before it uses sudo; without a terminal to ask at, says what to do.
install() {
  if ! command -v apt-get >/dev/null || { [ "$(id -u)" != 0 ] && ! { [ -t 0 ] && command -v sudo >/dev/null; }; }; then
    echo "$1 is missing, which $2 needs: install it with your system's package manager and run this again." >&2
    exit 1
  fi
  as_root=()
  if [ "$(id -u)" != 0 ]; then
    read -r -p "$1 is missing, which $2 needs. Install it with 'sudo apt-get install $1'? [y/N] " answer
    [[ $answer = [yY]* ]] || { echo "Install $1 and run this again." >&2; exit 1; }
    as_root=(sudo)
  fi
  say "Installing $1, which $2 needs"
  "${as_root[@]}" apt-get update -qq && "${as_root[@]}" apt-get install -y -qq "$1" >/dev/null || exit 1
}

need dotnet "install the .NET SDK 10 (https://dot.net)."
need node "install Node.js 20 or newer (https://nodejs.org)."

find_chromium() { command -v chromium || command -v chromium-browser || command -v google-chrome; }
find_chromium >/dev/null || install chromium "the test of the page in a browser"
CHROMIUM=$(find_chromium)
export CHROMIUM

PATH="$PATH:/sbin:/usr/sbin"
if command -v ldconfig >/dev/null && ! ldconfig -p | grep -q libgomp.so.1; then install libgomp1 "the comparison with llama.cpp"; fi

# libtorch's large blocks stay in the process, and its threads do not spin beside the tests (docs/decisions.md, "The allocator").
export MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=17179869184 MALLOC_TOP_PAD_=67108864 MALLOC_ARENA_MAX=1
export GLIBC_TUNABLES=glibc.malloc.hugetlb=1
export OMP_WAIT_POLICY=passive GOMP_SPINCOUNT=0
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

results=artifacts/test-results
rm -rf "$results"
mkdir -p "$results"
status=0

say "Building"
dotnet build Streaming.Orleans.sln -c Release -v quiet --nologo || exit 1

# One test process at a time: some measure memory, some start hosts and a browser.
tests=(--solution Streaming.Orleans.sln -c Release --no-build --max-parallel-test-modules 1 --timeout 60m --report-trx
  --results-directory "$results")

if [ -n "$filter" ]; then
  say "Testing $filter"
  # Exit code 8 of a project: none of its tests matches.
  dotnet test "${tests[@]}" --ignore-exit-code 8 --filter-query "$filter" || status=1
else
  say "Checking style"
  node build/style/check.mjs --results "$results/style.json" || status=1

  say "Testing the page"
  page=(--reporter=default --reporter=json "--outputFile.json=$PWD/$results/page.json")
  (cd src/Streaming.Gateway/page && npx vitest run "${page[@]}") || status=1

  say "Testing the rest"
  dotnet test "${tests[@]}" || status=1
fi

node build/count-results.mjs "$results" || status=1
exit $status
