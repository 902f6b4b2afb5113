# Sourced by scripts/bench/fuzz for --guided: inputs that libFuzzer makes from the scripts of Tests/Scripts/language by what they cover.
# The corpus it gathers stays in .build-guided/corpus, and the next run goes on from it.

guided_folder=.build-guided
guided_program=$guided_folder/guided

# guided_is_new FILE SOURCE …: FILE is there, and none of the sources is newer.
guided_is_new() { [ -e "$1" ] && [ -z "$(find "${@:2}" -newer "$1" -print -quit)" ]; }

# guided_swift ARGUMENT …: bounds and overflow are checked, which they are not in the release build: a trap is a finding.
guided_swift() {
  swiftc -O -wmo -parse-as-library -swift-version 6 -package-name seep -gline-tables-only -enforce-exclusivity=unchecked \
    -sanitize=fuzzer,address -I "$guided_folder" "$@" >&2 || refuse "the guided fuzzer does not build: see the messages above"
}

# guided_module NAME: the module of that folder as an object and its interface, with counters on every edge.
guided_module() {
  local files
  mapfile -t files < <(find "Sources/$1" -name '*.swift' | sort)
  printf 'fuzz: compiling %s\n' "$1" >&2
  guided_swift -module-name "$1" -emit-module -emit-module-path "$guided_folder/$1.swiftmodule" -c -o "$guided_folder/$1.o" "${files[@]}"
}

guided_build() {
  local ground=$guided_folder/Ground.o language=$guided_folder/SeepLanguage.o own
  own=(Sources/LanguageFuzz/{Examination,Watchdog,ProcessMemory,Guided}.swift)
  guided_is_new "$ground" Sources/Ground || guided_module Ground
  guided_is_new "$language" Sources/SeepLanguage "$ground" || guided_module SeepLanguage
  guided_is_new "$guided_program" "${own[@]}" "$ground" "$language" && return
  # The other linker warns of every symbol of AddressSanitizer.
  guided_swift -use-ld=lld -module-name guided -o "$guided_program" "${own[@]}" "$ground" "$language"
}

# Keywords and operators, from the grammar; what stands in its rules of tokens is given by hand.
guided_dictionary() {
  sed -n '/^```ebnf/,/^NAME /p' docs/language.md | grep -oE '"[^"\\]+"' | sort -u
  printf '%s\n' '"0x"' '"0b"' '"0o"' '"1e9"' '"\""' '"\"\"\""' '"\\u{"' '"{{"' '"#"' '"9223372036854775807"' '"print("'
}

guided() {
  local seconds=60 seed=1 findings=fuzz-findings
  while [ $# -gt 0 ]; do
    [ $# -gt 1 ] || refuse "$1 needs a value, or is no option beside --guided"
    case $1 in
      --seconds) seconds=$2 ;;
      --seed) seed=$2 ;;
      --folder) findings=$2 ;;
      *) refuse "$1 is no option beside --guided: --seconds N, --seed N and --folder FOLDER are" ;;
    esac
    shift 2
  done
  [[ $seconds =~ ^[1-9][0-9]*$ && $seed =~ ^[1-9][0-9]*$ ]] || refuse "--seconds and --seed take whole numbers from 1 on"
  mkdir -p "$guided_folder/corpus" "$findings" || refuse "the folder cannot be made"
  guided_build
  guided_dictionary >"$guided_folder/words"
  local log=$guided_folder/log end=$((SECONDS + seconds)) began=$SECONDS status=75
  : >"$log"
  export ASAN_OPTIONS=${ASAN_OPTIONS:-$sanitizer}
  large_stack
  # Compiled programs stay in memory: with status 75 a process has taken 2 GiB, and another goes on from the corpus.
  while [ "$status" -eq 75 ] && [ "$SECONDS" -lt "$end" ]; do
    "$guided_program" -max_total_time=$((end - SECONDS)) -seed="$seed" -timeout=5 -rss_limit_mb=4096 -max_len=4096 \
      -dict="$guided_folder/words" -artifact_prefix="$findings/" "$guided_folder/corpus" Tests/Scripts/language 2>&1 |
      tee -a "$log" | grep --line-buffered -E '^#[0-9]+[[:space:]]+(INITED|pulse|DONE)'
    status=${PIPESTATUS[0]}
    seed=$((seed + 1))
  done
  # The line of a process that crashed is not there.
  awk -v seconds=$((SECONDS - began)) '
    /^guided: / { inputs += $2; programs += $4; values += $6; interrupted += $8; processes++ }
    END {
      printf "%d inputs in %d s by %d processes: %d a second\n", inputs, seconds, processes, inputs / (seconds ? seconds : 1)
      printf "programs without syntax error %d; run to their end %d; interrupted %d\n", programs, values, interrupted
    }' "$log"
  printf 'last: %s\n' "$(grep -E '^#[0-9]+' "$log" | tail -1)"
  if [ "$status" -eq 0 ] || [ "$status" -eq 75 ]; then
    printf 'no crash, no hang, nothing that must not be\n'
    return 0
  fi
  [ "$status" -eq 72 ] && refuse "interrupted"
  sed -n '/finding: \|ERROR: \|Fatal error/,$p' "$log" | head -60
  return 1
}
