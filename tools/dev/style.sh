# shellcheck shell=bash
# ./dev format and ./dev lint.

format() {
    local options=(-i)
    [[ ${1:-} != --check ]] || options=(--dry-run --Werror)
    install check
    sources | xargs -r -P "${jobs:?}" -n 16 clang-format-19 "${options[@]}"
}

# Sources in the order in which they were last changed, new ones first.
recent_first() {
    local list
    list=$(sources base policies gateway simulator worker | grep '\.cpp$')
    {
        git ls-files -mo --exclude-standard 2>/dev/null
        git log --format= --name-only 2>/dev/null
        echo "$list"
    } | awk 'NR == FNR { wanted[$0]; next } $0 in wanted && !seen[$0]++' <(echo "$list") -
}

lint_one() { # SOURCE; called in a process of its own
    if ((lint_until && $(date +%s) >= lint_until)); then
        echo "$1" >>build/lint.left
    elif ! clang-tidy-19 -p build/release --quiet "$1" >"build/lint.$$" 2>/dev/null; then
        cat "build/lint.$$"
        rm "build/lint.$$"
        return 1
    else
        rm "build/lint.$$"
    fi
}

# clang-tidy takes seconds a file, so a run has a budget. The files changed last come first; those
# that no time is left for are named.
lint() {
    local seconds=300
    [[ ${1:-} != --seconds ]] || seconds=${2:?"--seconds needs a number"}
    install check
    cmake --preset release >/dev/null
    export lint_until=$((seconds ? $(date +%s) + seconds : 0))
    export -f lint_one
    rm -f build/lint.left
    local status=0
    # shellcheck disable=SC2016  # expanded by the inner shell
    recent_first | xargs -r -P "${jobs:?}" -n 1 bash -c 'lint_one "$1"' _ || status=1
    [[ ! -s build/lint.left ]] || echo "no time was left for: $(sort build/lint.left | xargs)"
    return "$status"
}
