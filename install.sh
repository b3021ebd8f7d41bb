#!/bin/sh
# Installs Outcrop into ~/.local/bin, without root:
#
#   curl -fsSL https://github.com/OWNER/outcrop/releases/latest/download/install.sh | sh
#
# OUTCROP_VERSION=1.2.3  a certain release, in place of the latest one
# OUTCROP_BIN=FOLDER     another folder, in place of ~/.local/bin
# OUTCROP_RELEASES=URL   a mirror with the same paths
#
# An archive whose checksum is not that of SHA256SUMS is not installed. The script changes nothing
# but the one file; docs/verify.md describes what else can be checked.
set -eu

releases=${OUTCROP_RELEASES:-https://github.com/OWNER/outcrop/releases}
folder=${OUTCROP_BIN:-$HOME/.local/bin}

main() {
    target=$(target)
    archive=outcrop-$target.tar.gz
    address=$releases/latest/download
    if [ -n "${OUTCROP_VERSION:-}" ]; then
        address=$releases/download/v${OUTCROP_VERSION#v}
    fi
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    trap 'exit 1' HUP INT TERM
    download "$address/SHA256SUMS" "$scratch/SHA256SUMS"
    download "$address/$archive" "$scratch/$archive"
    (cd "$scratch" && check "$archive") || fail "$archive: the checksum is wrong; nothing was installed"
    tar -xzf "$scratch/$archive" -C "$scratch"
    mkdir -p "$folder"
    # Within a folder a move is atomic, also while an old version runs.
    cp "$scratch/outcrop-$target/outcrop" "$folder/.outcrop.$$"
    chmod 755 "$folder/.outcrop.$$"
    mv -f "$folder/.outcrop.$$" "$folder/outcrop"
    echo "installed $("$folder/outcrop" --version) as $folder/outcrop; try: outcrop demo"
    case ":$PATH:" in
        *":$folder:"*) ;;
        *) echo "$folder is not in PATH; add it, or start $folder/outcrop" ;;
    esac
}

target() {
    case "$(uname -s)-$(uname -m)" in
        Linux-x86_64) target=x86_64-unknown-linux-gnu ;;
        Linux-aarch64 | Linux-arm64) target=aarch64-unknown-linux-gnu ;;
        Darwin-x86_64) target=x86_64-apple-darwin ;;
        Darwin-arm64) target=aarch64-apple-darwin ;;
        *) fail "there is no package for $(uname -s) on $(uname -m); use Docker, or compile it with cargo" ;;
    esac
    # musl's own ldd reports its name; glibc is what the packages need.
    case "$target-$(ldd --version 2>&1 || true)" in
        *linux-gnu-*musl*) fail "the packages need glibc, and this system has musl; use the container image" ;;
    esac
    echo "$target"
}

download() {
    curl --fail --silent --show-error --location --proto-redir '=https' --retry 3 --output "$2" "$1" || fail "cannot download $1"
}

# check FILE: compares it with its line in SHA256SUMS.
check() {
    grep "  $1\$" SHA256SUMS >line || return 1
    if command -v sha256sum >/dev/null; then sha256sum -c line >/dev/null; else shasum -a 256 -c line >/dev/null; fi
}

fail() {
    echo "install.sh: $1" >&2
    exit 1
}

main
