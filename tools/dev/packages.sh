# shellcheck shell=bash
# What is needed, and its installation.

# Debian 12 packages. A new one needs its line in docs/decisions/0006-dependencies.md.
packages_build=(
    g++ cmake ninja-build mold ccache ca-certificates curl openssl python3
    libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev libssl-dev libsimdjson-dev
    libyaml-cpp-dev libspdlog-dev libfmt-dev libcli11-dev prometheus-cpp-dev zlib1g-dev
    libicu-dev libgtest-dev libgmock-dev libbenchmark-dev
)
packages_test=(python3-venv)
packages_check=(clang-19 clang-format-19 clang-tidy-19 libclang-rt-19-dev)
packages_bench=(haproxy nginx-light python3-venv valgrind)

install_missing() { # PACKAGE…
    local package missing=() as_root=()
    if ! command -v dpkg-query >/dev/null; then
        printf 'dev: this is not Debian, so these must be here already: %s\n' "$*" >&2
        return 0
    fi
    for package in "$@"; do
        [[ $(dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null) == *installed* ]] ||
            missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    say "installing ${missing[*]}"
    ((EUID == 0)) || as_root=(sudo)
    "${as_root[@]}" apt-get update -q
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends "${missing[@]}"
}

install() { # GROUP…
    local group packages=()
    for group in "${@:-build}"; do
        case $group in
            build) packages+=("${packages_build[@]}") ;;
            test)
                packages+=("${packages_build[@]}" "${packages_test[@]}")
                # A node from elsewhere brings its own npm and refuses Debian's.
                command -v node >/dev/null || packages+=(nodejs npm)
                ;;
            check) packages+=("${packages_build[@]}" "${packages_check[@]}") ;;
            bench) packages+=("${packages_build[@]}" "${packages_bench[@]}") ;;
            *) fail "there is no package group '$group'" ;;
        esac
    done
    install_missing "${packages[@]}"
}
