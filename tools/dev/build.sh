# shellcheck shell=bash
# Configuring and building a preset; the list of sources.

jobs=${PENSTOCK_JOBS:-$(nproc)} # parallel compilers, tests, checkers

build() { # PRESET [TARGET…]
    local preset=$1
    shift
    mkdir -p build
    if ! cmake --preset "$preset" >"build/$preset.log" 2>&1; then
        cat "build/$preset.log" >&2
        return 1
    fi
    local targets=()
    (($# == 0)) || targets=(--target "$@")
    cmake --build --preset "$preset" -j "$jobs" "${targets[@]}"
}

# C++ sources below the given folders (all when none is given), new ones included.
sources() {
    if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
        git ls-files -co --exclude-standard -- "$@"
    else
        find "${@:-.}" -type f -not -path './build/*' | sed 's|^\./||'
    fi | grep -E '\.(cpp|hpp)$' | while read -r file; do [[ ! -f $file ]] || echo "$file"; done
}
