#!/bin/sh
# Everything that must hold before a commit to this SDK. Exits with 1 at the first thing that does
# not. Run it anywhere: sdk-go/check.sh. Installs the pinned tools that it lacks into .tools/.
set -eu
cd "$(dirname "$0")"
STATICCHECK=v0.8.2
tools="$PWD/.tools/$STATICCHECK"
begin=$(date +%s)

say() { printf '== %s\n' "$1"; }
fail() {
  printf 'sdk-go check failed: %s\n' "$1"
  exit 1
}

say "format"
unformatted=$(gofmt -l .)
[ -z "$unformatted" ] || fail "gofmt -w $unformatted"

say "modules"
go mod tidy -diff || fail "go mod tidy"

say "vet"
go vet ./... || fail "go vet"

say "staticcheck $STATICCHECK"
[ -x "$tools/staticcheck" ] ||
  GOBIN="$tools" go install "honnef.co/go/tools/cmd/staticcheck@$STATICCHECK"
"$tools/staticcheck" -checks 'all,-ST1000' $(go list ./... | grep -v /internal/gen/) ||
  fail "staticcheck"

say "generated code"
if [ -x ../node_modules/.bin/buf ]; then
  fresh=$(mktemp -d)
  trap 'rm -rf "$fresh"' EXIT
  (cd .. && PATH="$PWD/node_modules/.bin:$PATH" &&
    buf generate --template sdk-go/buf.gen.yaml --output "$fresh") || fail "buf generate"
  diff -r "$fresh/sdk-go/internal/gen" internal/gen || fail "internal/gen is not the contract's"
else
  printf 'left out: buf is not here (npm ci in the root)\n'
fi

say "tests, under the race detector"
go test -race ./... || fail "tests"

printf 'sdk-go check passed in %s s\n' "$(($(date +%s) - begin))"
