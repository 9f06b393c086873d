#!/bin/sh
# Everything a developer of this SDK runs before a commit: sdk-rust/check.sh
#   --fix   formats and generates anew before it checks
# Needs cargo, and `npm ci` in the repository's root (for buf, and for the server that tests use).
set -eu
cd "$(dirname "$0")/.."
export CARGO_TERM_COLOR=never CARGO_TERM_QUIET=true
manifest=sdk-rust/Cargo.toml
say() { printf '\n== %s\n' "$1"; }

buf=$PWD/node_modules/.bin/buf
[ -x "$buf" ] || { echo "sdk-rust: no buf: run npm ci in the repository's root" >&2; exit 1; }
for component in rustfmt clippy; do
  tool=cargo-$component
  [ "$component" = rustfmt ] && tool=cargo-fmt
  command -v "$tool" >/dev/null || rustup component add "$component"
done

if [ "${1:-}" = --fix ]; then
  "$buf" generate --template sdk-rust/buf.gen.yaml
  "$buf" generate --template sdk-rust/conformance/buf.gen.yaml
  cargo fmt --manifest-path "$manifest" --all
fi

say "generated code is the contract's"
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
"$buf" generate --template sdk-rust/buf.gen.yaml --output "$fresh"
"$buf" generate --template sdk-rust/conformance/buf.gen.yaml --output "$fresh"
for gen in sdk-rust/src/gen sdk-rust/conformance/src/gen; do
  diff -rq "$fresh/$gen" "$gen" || { echo "run sdk-rust/check.sh --fix" >&2; exit 1; }
done

say "format"
cargo fmt --manifest-path "$manifest" --all --check

say "lint, all features"
cargo clippy --manifest-path "$manifest" --locked --workspace --all-targets \
  --features stellaops-orchestrator/tls -- -D warnings

say "reference docs"
RUSTDOCFLAGS="-D warnings" cargo doc --manifest-path "$manifest" --locked --no-deps \
  --package stellaops-orchestrator

say "unit tests, examples on a real server, doc tests"
cargo test --manifest-path "$manifest" --locked --package stellaops-orchestrator

say "sdk-rust: all checks passed"
