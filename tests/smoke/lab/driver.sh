# A data plane without a control: the driver (tests/driver/driver.h) plays it, with static keys.

# drive SIDE [ARGUMENTS...]: one transaction from standard input.
drive() {
  local side=$1
  shift
  "$(program drive-dataplane)" "$LAB_DIR/$side/dataplane.sock" "$@"
}

# counter SIDE NAME, such as 'drop sa-expired'
counter() { drive "$1" --counters </dev/null | awk -v name="$2 " 'index($0, name) == 1 { n = $NF } END { print n + 0 }'; }

mac() { on "$1" cat "/sys/class/net/$2/address"; }

# sas SIDE IN OUT SEED [OPTIONS...]: a pair of SAs. IN and OUT are ids here; over there they are the other way round. An
# inbound SPI carries its id in the low bits.
sas() {
  local side=$1 in=$2 out=$3 seed=$4 other=${OTHER[$1]}
  shift 4
  printf 'sa in %d %d 0 %s %s %s %d %s\n' "$in" $((0x100000 + in)) "$SUITE" "${WAN[$other]}" "${WAN[$side]}" \
    $((seed + in)) "$*"
  printf 'sa out %d %d 0 %s %s %s %d %s\n' "$out" $((0x100000 + out)) "$SUITE" "${WAN[$side]}" "${WAN[$other]}" \
    $((seed + out)) "$*"
  printf 'tunnel 0 vti0 1400 %d\n' "$out"
}
