#!/usr/bin/env bash
# Measures everything that these documents show: bench/results/*.md, docs/snapshots.md, and RESULTS.md of Streaming.Bench.Paper and
# Streaming.Bench.Peers. Use a machine without other load. First it says how long each part took in its last recorded run.
#   bench/all.sh                 all parts; if interrupted, the same command continues: parts measured at this commit are skipped
#   bench/all.sh batch idle      these parts
#   bench/all.sh --list          only says how long the parts take
#   bench/all.sh --small         each part at its smallest scale, into a temporary folder, as a check that all of them work
set -euo pipefail
cd "$(dirname "$0")/.."

parts=(batch long snapshots idle table1 table2 table6 figure5 figure10 engine served peers)
durations=bench/results/durations.csv # part,commit,date,seconds of each run
code=('*.cs' '*.csproj' '*.props' '*.targets' models/starter) # what results depend on; see Repository.Commit
commit=$(git describe --always)

list=false small=false chosen=()
for argument in "$@"; do
  case $argument in
    --list) list=true ;;
    --small) small=true ;;
    *)
      if [[ " ${parts[*]} " != *" $argument "* ]]; then
        echo "'$argument' is not a part: use some of ${parts[*]}, --list or --small." >&2
        exit 2
      fi
      chosen+=("$argument")
      ;;
  esac
done
[ ${#chosen[@]} -gt 0 ] || chosen=("${parts[@]}")

last() { awk -F, -v part="$1" -v column="$2" '$1 == part { value = $column } END { print value }' "$durations"; }
measured() { [ "$(last "$1" 2)" = "$commit" ]; }

run() { # project, arguments
  local project=bench/Streaming.Bench.$1
  shift
  dotnet run --no-build -c Release --project "$project" -- "$@"
}

measure() { # part
  case $1 in
    batch | long) run Inference "$1" ;;
    snapshots) run Inference snapshots --shapes starter smol135m --threads 2 ;;
    idle) run Idle ;;
    peers) run Peers --threads 2 ;;
    *) run Paper "$1" --again ;;
  esac
}

check() { # part, folder
  case $1 in
    batch) run Inference batch --tokens 5 --out "$2" ;;
    long) run Inference long --windows 2 --window 60 --out "$2" ;;
    snapshots)
      cp docs/snapshots.md "$2"
      run Inference snapshots --dtypes int8 --document "$2/snapshots.md"
      ;;
    idle) run Idle --conversations 40 --requests 50 --out "$2" ;;
    peers) run Peers --small --out "$2/peers" --models "$2/models" ;;
    *) run Paper "$1" --small --out "$2/paper" ;;
  esac
}

total=0
$small || for part in "${chosen[@]}"; do
  seconds=$(last "$part" 4)
  if measured "$part"; then
    echo "$part: measured at this commit"
  elif [ -z "$seconds" ]; then
    echo "$part: no run is recorded"
  else
    echo "$part: $(((seconds + 59) / 60)) min on $(last "$part" 3)"
    total=$((total + seconds))
  fi
done
$small || echo "All that are not measured at this commit: $(((total + 59) / 60)) min."
if $list; then exit; fi

if ! $small && [ -n "$(git status --porcelain -- "${code[@]}")" ]; then
  echo "The code differs from commit $commit: commit it first, since results are dated with their commit." >&2
  exit 2
fi
for project in Inference Idle Paper Peers; do
  dotnet build -c Release -v quiet --nologo "bench/Streaming.Bench.$project"
done
folder=$($small && mktemp -d || echo bench/results)
for part in "${chosen[@]}"; do
  if $small; then
    check "$part" "$folder"
  elif ! measured "$part"; then
    SECONDS=0
    measure "$part"
    echo "$part,$commit,$(date -u +%Y-%m-%d),$SECONDS" >> "$durations"
  fi
done
echo "Results are in $folder."
