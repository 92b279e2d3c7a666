# shellcheck shell=bash
# ./dev test: every part, its counts, and their sum on the last line.

passed=0 failed=0 skipped=0

count() { # PART PASSED FAILED [SKIPPED]
    passed=$((passed + $2)) failed=$((failed + $3)) skipped=$((skipped + ${4:-0}))
    printf '── %s: %d passed, %d failed, %d skipped (%d s)\n' "$1" "$2" "$3" "${4:-0}" \
        $((SECONDS - part_began))
    part_began=$SECONDS
}

# A part that either holds or not counts as one test.
check() { # PART COMMAND…
    local part=$1
    shift
    say "$part"
    if "$@"; then count "$part" 1 0; else count "$part" 0 1; fi
}

# C++ tests, one process each; of those that fail the output is shown.
ctest_part() { # PRESET [FILTER]
    local preset=$1 filter=${2:-} folder=build/$1 part="C++ tests ($1)" command=() status=0
    say "$part"
    # g++ 12's thread sanitizer does not start under the address randomness of newer kernels.
    if [[ $preset == tsan ]] && setarch -R true 2>/dev/null; then command=(setarch -R); fi
    command+=(ctest --test-dir "$folder" -j "${jobs:?}" --timeout 120 --output-junit ctest.xml)
    if [[ $filter ]]; then
        command+=(-R "$filter" --no-tests=ignore)
    else
        command+=(--no-tests=error)
    fi
    rm -f "$folder/ctest.xml"
    ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1 \
        TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1 \
        "${command[@]}" >"$folder/ctest.log" 2>&1 || status=$?
    local -a numbers
    read -ra numbers <<<"$(python3 tools/read_junit.py "$folder/ctest.xml")"
    if ((status != 0 && ${numbers[1]:-0} == 0)); then
        tail -n 40 "$folder/ctest.log"
        numbers=("${numbers[0]:-0}" 1)
    fi
    count "$part" "${numbers[@]}"
}

# A Python runner: its last `N passed, N failed` counts, and so does its exit status.
python_part() { # PART SCRIPT [ARG…]
    local part=$1 script=$2 status=0 line
    shift 2
    say "$part"
    local log="build/${part// /_}.log"
    mkdir -p build
    local limit=(timeout --kill-after=10)
    # At a terminal Ctrl-C must reach the runner; elsewhere what it started must end with it.
    [[ ! -t 1 ]] || limit+=(--foreground)
    "${limit[@]}" 1200 python3 -u "$script" "$@" </dev/null 2>&1 | tee "$log" || status=$?
    line=$(grep -Eo '[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?' "$log" | tail -n 1) || true
    local -a numbers
    read -ra numbers <<<"${line//[^0-9]/ }"
    if ((${#numbers[@]} < 2)); then
        echo "$script ended with status $status and without saying how many passed."
        numbers=(0 1)
    elif ((status != 0 && numbers[1] == 0)); then
        echo "$script ended with status $status."
        numbers[1]=1
    fi
    count "$part" "${numbers[@]}"
}

sanitized_part() { # PRESET [FILTER]
    say "build ($1)"
    if build "$1" tests/all; then ctest_part "$@"; else count "build ($1)" 0 1; fi
}

run_tests() {
    local all='' filter='' began=$SECONDS
    part_began=$SECONDS
    while (($#)); do
        case $1 in
            --all) all=1 ;;
            -*) fail "test knows --all only, not $1" ;;
            *) filter=$1 ;;
        esac
        shift
    done
    local filtered=()
    [[ -z $filter ]] || filtered=("$filter")
    if [[ -z ${PENSTOCK_TEST_DATA:-} && -d ../shared/data ]]; then
        PENSTOCK_TEST_DATA=$(realpath ../shared/data)
        export PENSTOCK_TEST_DATA
    fi

    install test ${all:+check}
    [[ -z $all ]] || check format format --check
    python_part floors tests/floors/floors_test.py "${filtered[@]}"
    say "build (release)"
    if build release; then
        ctest_part release "${filtered[@]}"
        python_part "end to end" tests/end_to_end/run.py "${filtered[@]}"
        python_part conformance tests/conformance/run.py "${filtered[@]}"
        [[ -z $all ]] || check lint lint
    else
        count "build (release)" 0 1
    fi
    if [[ $all ]]; then
        sanitized_part asan "${filtered[@]}"
        sanitized_part tsan "${filtered[@]}"
        fuzz_part
    fi
    say "all of it took $((SECONDS - began)) s"
    if ((skipped)); then
        echo "$passed passed, $failed failed, $skipped skipped"
    else
        echo "$passed passed, $failed failed"
    fi
    ((failed == 0 && passed > 0))
}
