#!/bin/sh
# Name every tool that the build needs and this machine lacks, with how to get it. Prints nothing when all are there.
#
#     sh tools/prerequisites.sh [python]

python=${1:-python3}
missing=0

lacks() {
    printf 'missing: %s\n    %s\n' "$1" "$2" >&2
    missing=1
}

has() {
    command -v "$1" >/dev/null 2>&1
}

has git || lacks "git" "Debian, Ubuntu: apt install git; macOS: xcode-select --install; others: https://git-scm.com/downloads"
has cc || has clang || has gcc ||
    lacks "a C linker (cc), which Rust needs" "Debian, Ubuntu: apt install build-essential; macOS: xcode-select --install"

if ! has "$python"; then
    lacks "Python 3.11 or newer ($python)" "Debian, Ubuntu: apt install python3 python3-venv; macOS: brew install python; others: https://www.python.org/downloads"
elif ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    lacks "Python 3.11 or newer ($python is $("$python" -c 'import platform; print(platform.python_version())'))" \
        "https://www.python.org/downloads, then name it: make PYTHON=python3.13"
elif ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    lacks "Python's venv module" "Debian, Ubuntu: apt install python3-venv"
fi

if ! has cargo; then
    lacks "cargo (Rust)" "https://rustup.rs: curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
else
    needed=$(sed -n 's/^rust-version = "1\.\([0-9]*\).*/\1/p' rust/Cargo.toml)
    found=$(cargo --version | sed -n 's/^cargo 1\.\([0-9]*\).*/\1/p')
    [ "${found:-0}" -ge "${needed:-0}" ] ||
        lacks "Rust 1.$needed or newer (cargo is 1.$found)" "rustup update stable"
fi

exit $missing
