# Benchmark mode: the built-in runner, and ports that a capture file feeds; what it prints; and what it refuses.
source "$(dirname "$0")/lab/wait.sh"
TOP=$(cd "$(dirname "$0")/../.." && pwd)
DATAPLANE=${BUILD:-$TOP/build}/dataplane/main/sekisho-dataplane
WORK=$(mktemp -d "/tmp/${LAB:-sekisho-$$}-XXXXXX")
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$WORK"' EXIT
set -euo pipefail

key=$(printf '0123456789abcdef%.0s' 1 2 3 4)
# scenario FIELDS: of ESP with one suite; FIELDS are added or replace.
scenario() {
  jq -n --arg key "$key" '{direction: "both", suites: ["aes128gcm16"], sizes: [64], key: $key} + '"$1" >"$WORK/scenario.json"
}
# bench [ARGUMENTS...]: rows in $WORK/rows
bench() {
  timeout 60 "$DATAPLANE" --bench "$WORK/scenario.json" --no-huge --json-lines --socket "$WORK/socket" "$@" \
    >"$WORK/lines" 2>"$WORK/log" || { cat "$WORK/log"; return 1; }
  jq -c 'select(has("scenario"))' "$WORK/lines" >"$WORK/rows"
  [ ! -e "$WORK/socket" ] || fail 'a socket for control'
}
rows() { jq -s "$1" "$WORK/rows"; }
# holds WHAT FILTER [FILE]: of all lines together
holds() {
  jq -se "$2" "${3:-$WORK/rows}" >"$WORK/out" || fail "$1"
  say "ok: $1"
}

step 'the built-in runner'
scenario '{tunnels: [1, 300], sizes: [64, "imix"], order: "random"}'
bench --runs 2 --passes 3
equal 'cells' 8 "$(rows length)"
for figure in mpps gbps cycles_per_packet cycles_min cycles_max crypto_cycles io_cycles stages.seal stages.open; do
  holds "$figure is there" "[.[].$figure | values] | length > 0 and all(. > 0)"
done
equal 'overhead is what is left' true \
  "$(rows 'all(.cycles_per_packet - .io_cycles - .crypto_cycles - .overhead_cycles | fabs < 0.3)')"
equal 'loss' 0 "$(rows 'map(.loss) | max')"
holds 'the machine is described first' '.[0].machine.tsc_mhz > 0' "$WORK/lines"
bench --runs 1 --passes 1 --size imix --direction in --tunnels 300
equal 'one cell chosen' '["in","imix",300]' "$(rows '.[0] | [.direction, .size, .tunnels]' | jq -c)"

step 'while the manager is at work'
for work in rekey commit; do
  scenario "{tunnels: [4], during: \"$work\"}"
  bench --runs 2 --passes 20
  equal "loss during $work" 0 "$(rows 'map(.loss) | max')"
  holds "$work happened" 'all(.changes > 0)'
done

step 'two workers, one tunnel'
scenario '{workers: [2, 16], sizes: [1420], replay_window: 1024}'
bench --runs 1 --passes 5
equal 'loss' 0 "$(rows 'map(.loss | values) | max')"
processors=$(nproc)
equal 'a cell is measured, or too few processors are said' "$((processors < 2 ? 0 : processors < 16 ? 2 : 4))" \
  "$(rows 'map(select(.mpps > 0)) | length')"
holds 'said' 'map(select(has("mpps") | not)) | all(.note | test("only [0-9]+ processors"))'

step 'a capture file feeds the ports'
scenario '{replay_window: 0, tunnels: [20]}'
for direction in out in; do
  bench --direction $direction --write-pcap "$WORK/$direction.pcap"
done
fed() { echo "net_pcap_$1,rx_pcap=$WORK/$2.pcap,infinite_rx=1"; }
bench --direction out --seconds 1 --port "lan=$(fed lan out)" --port wan=net_null0,no-rx=1
equal 'sealed, dropped' 0 "$(rows '.[0].loss')"
equal 'rows' 1 "$(rows 'map(select(.mpps > 0 and .io_cycles > 0 and .crypto_cycles == null)) | length')"
holds 'each second has rates' 'map(select(.second == 1)) | all(.lan.rx_mpps > 0 and .wan.tx_mpps > 0)' "$WORK/lines"
bench --direction in --seconds 1 --port lan=net_null0,no-rx=1 --port "wan=$(fed wan in)"
equal 'opened, dropped' 0 "$(rows '.[0].loss')"
scenario '{tunnels: [20]}'
bench --direction in --seconds 1 --port lan=net_null0,no-rx=1 --port "wan=$(fed wan in)"
equal 'a replayed packet is not opened again' true "$(rows '.[0].loss > 0.9')"

bench --seconds 1 --direction in --port lan=net_null0,no-rx=1 --port wan=net_null1,no-rx=1
holds 'nothing is made of nothing' \
  'all(.mpps == 0 and .note == "nothing came in" and .cycles_per_packet == null and .io_cycles == null and .loss == null)'

# The exit code is in $code.
terminate() {
  kill -TERM "$pid"
  code=0
  wait "$pid" || code=$?
  pid=
}
step 'SIGTERM ends it'
: >"$WORK/lines"  # what is awaited there is the next one's
"$DATAPLANE" --bench "$WORK/scenario.json" --no-huge --direction out --json-lines --port "lan=$(fed lan out)" \
  --port wan=net_null0,no-rx=1 >"$WORK/lines" 2>"$WORK/log" &
pid=$!
await_line 10 "$WORK/lines" '"second":1'
terminate
equal 'in good order' 0 "$code"
expect 'with a summary' grep -q '"cycles_per_packet"' "$WORK/lines"

: >"$WORK/lines"
"$DATAPLANE" --bench "$WORK" --no-huge --json-lines --runs 1000 --passes 100 >"$WORK/lines" 2>"$WORK/log" &
pid=$!
await_line 10 "$WORK/lines" '"progress":"1/2'
terminate
equal 'measuring ends with cells left' 130 "$code"
expect 'how many were measured' grep -q 'ending after 1 of 2' "$WORK/log"

# refused ID ARGUMENTS...
refused() {
  local id=$1 code=0
  shift
  timeout 20 "$DATAPLANE" "$@" >"$WORK/out" 2>&1 || code=$?
  # 2 is a usage error, 1 any other; a crash is neither.
  expect "$id" test \( "$code" = 1 -o "$code" = 2 \) -a -n "$(grep -e "$id" "$WORK/out")"
  expect 'the key is not shown' eval '! grep -q "$key" "$WORK/out"'
}
step 'what is refused'
echo '{' >"$WORK/scenario.json"
refused SKO-BEN-001 --bench "$WORK/scenario.json"
printf '{"key": "%s\n"}' "$key" >"$WORK/scenario.json"
refused SKO-BEN-001 --bench "$WORK/scenario.json"
scenario '{size: 64}'
refused SKO-BEN-002 --bench "$WORK/scenario.json"
scenario '{key: "'"$key"'0"}'
refused SKO-BEN-003 --bench "$WORK/scenario.json"
scenario '{direction: "plain"}'
refused SKO-BEN-004 --bench "$WORK/scenario.json"
scenario '{}'
refused SKO-BEN-005 --bench "$WORK" --size 1420
refused SKO-BEN-009 --bench "$WORK" --seconds 1
refused SKO-BEN-009 --bench "$WORK" --runs 1 --port lan=net_null0 --port wan=net_null1
refused excludes --bench "$WORK" --write-pcap "$WORK/some.pcap" --port lan=net_null0
refused SKO-BEN-004 --bench "$WORK/scenario.json" --port lan=net_null0
refused SKO-DPL-012 --bench "$WORK/scenario.json" --direction in --port lan=net_null0 --port wan=net_nothing0 --no-huge
scenario '{sizes: [64, 570]}'
refused SKO-BEN-008 --bench "$WORK/scenario.json" --write-pcap "$WORK/some.pcap"
refused SKO-SYS-001 --bench "$WORK/nowhere.json"
refused requires --size 64
