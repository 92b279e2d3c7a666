# shellcheck shell=bash
# ./dev fuzz: libFuzzer over the targets of tests/fuzz.

fuzz_targets() {
    local program
    for program in build/fuzz/tests/fuzz/fuzz_*; do
        [[ ! -x $program || -d $program ]] || echo "$program"
    done
}

# First every input kept in tests/fuzz/corpus, then new ones for so many seconds. What is found new
# stays in build/fuzz/corpus; an input that fails is named and kept as build/fuzz/crash-….
fuzz_one() { # PROGRAM SECONDS
    local name=${1##*/fuzz_} options=(-timeout=10 -rss_limit_mb=2048)
    local found=build/fuzz/corpus/$name kept=tests/fuzz/corpus/$name log=build/fuzz/$name.log
    options+=("-artifact_prefix=build/fuzz/crash-$name-")
    mkdir -p "$found" "$kept"
    if "$1" "${options[@]}" -runs=0 "$kept" >"$log" 2>&1 &&
        "$1" "${options[@]}" "-max_total_time=$2" "$found" "$kept" >>"$log" 2>&1; then
        grep '^Done' "$log" | tail -n 1
    else
        tail -n 60 "$log"
        return 1
    fi
}

fuzz_part() {
    say "build (fuzz)"
    if ! build fuzz tests/fuzz/all || [[ -z $(fuzz_targets) ]]; then
        count "build (fuzz)" 0 1
        return
    fi
    rm -f build/fuzz/*.said build/fuzz/*.passed
    export -f fuzz_one fuzz_aside
    # shellcheck disable=SC2016  # expanded by the inner shell
    fuzz_targets | xargs -r -P "${jobs:?}" -n 1 bash -c 'fuzz_aside "$1" 20' _
    local name
    for name in $(fuzz_targets | sed 's|.*/||'); do check "$name" fuzz_told "build/fuzz/$name"; done
}

# fuzz_one beside others: what it says and whether it passed is kept for fuzz_told.
fuzz_aside() { # PROGRAM SECONDS; called in a process of its own
    local kept=build/fuzz/${1##*/}
    if fuzz_one "$@" >"$kept.said" 2>&1; then touch "$kept.passed"; fi
}

fuzz_told() { # KEPT
    cat "$1.said"
    [[ -e $1.passed ]]
}

fuzz() {
    local seconds=60 only='' program ran=''
    while (($#)); do
        case $1 in
            --seconds)
                seconds=${2:?"--seconds needs a number"}
                shift
                ;;
            *) only=$1 ;;
        esac
        shift
    done
    install check
    build fuzz tests/fuzz/all
    for program in $(fuzz_targets); do
        [[ -z $only || ${program##*/} == *"$only"* ]] || continue
        say "${program##*/} ($seconds s)"
        fuzz_one "$program" "$seconds"
        ran=1
    done
    [[ $ran ]] || fail "there is no fuzz target '$only'"
}
