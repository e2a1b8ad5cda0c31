# Waiting for events, each with a deadline, and the assertions of the tests.

say() { printf '%s\n' "$*"; }
step() { printf -- '--- %s\n' "$*"; }

# Ends the test. The trap in net.sh tidies up.
fail() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 1
}

# await SECONDS WHAT COMMAND...: until the command succeeds. For conditions that nothing announces.
await() {
  local seconds=$1 what=$2 end=$((SECONDS + $1 + 1))
  shift 2
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < end)) || fail "waited $seconds s for $what"
    sleep 0.05
  done
}

# await_line SECONDS FILE PATTERN: until the file, which may still grow, has a line like it (extended regex).
AWAIT_LINE_PID=
await_line() {
  local found line
  exec {found}< <(exec timeout "$1" tail -n +1 -F "$2" 2>/dev/null)
  AWAIT_LINE_PID=$!
  while read -ru "$found" line; do
    if [[ $line =~ $3 ]]; then
      await_line_end
      exec {found}<&-
      return 0
    fi
  done
  exec {found}<&-
  fail "waited $1 s for '$3' in $2"
}

# Its reader of the file, which an interrupted test would leave behind.
await_line_end() {
  [ -n "$AWAIT_LINE_PID" ] || return 0
  kill "$AWAIT_LINE_PID" 2>/dev/null || :
  wait "$AWAIT_LINE_PID" 2>/dev/null || :
  AWAIT_LINE_PID=
}

# expect WHAT COMMAND...: the command must succeed.
expect() {
  local what=$1
  shift
  "$@" || fail "$what"
  say "ok: $what"
}

# equal WHAT EXPECTED ACTUAL
equal() {
  [ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"
  say "ok: $1: $3"
}

# at_least WHAT LEAST ACTUAL
at_least() {
  [ "$3" -ge "$2" ] || fail "$1: expected at least $2, got '$3'"
  say "ok: $1: $3"
}
