#!/usr/bin/env bash
# Sekisho against strongSwan, scenario by scenario; as root.
#
#   tests/smoke/interop/interop.sh             every scenario of scenarios.json
#   tests/smoke/interop/interop.sh NAME...     these
#   tests/smoke/interop/interop.sh --list
#
# Both gateways stay up; each scenario gives both another configuration (scenario.jq), and then, once for each end that
# begins: the tunnel comes up, hosts reach each other both ways, both ends say the algorithms that were asked for, nothing
# but ESP and IKE crossed the internet, what the scenario adds (then.sh), the tunnel goes down.
#
# Prints `ok NAME` or `FAILED NAME` for each, then the count. What a failed one did is in $LAB_KEEP_LOGS.
INTEROP=$(cd "$(dirname "$0")" && pwd)
all=$(jq -c '.[]' "$INTEROP/scenarios.json")
names=$(jq -r .name <<<"$all")
case ${1:-} in
  -h | --help) sed -n '2,/^INTEROP=/{/^INTEROP=/!s/^# \{0,1\}//p}' "$0"; exit 0 ;;
  --list) echo "$names"; exit 0 ;;
esac
for name in "$@"; do
  grep -qxF -- "$name" <<<"$names" || { echo "there is no scenario '$name'; --list shows them" >&2; exit 2; }
done
[ $# = 0 ] || names=$(printf '%s\n' "$@")

source "$INTEROP/../lab.sh"
source "$INTEROP/network.sh"
source "$INTEROP/then.sh"

# of FILTER: a part of the scenario.
of() { jq -r "$1" <<<"$scenario"; }

# What every peer here has: a short life of rekeyed SAs, and aggressive mode where a scenario permits it.
CHARON='delete_rekeyed_delay = 1
i_dont_care_about_security_and_use_aggressive_mode_psk = yes'

# The release of strongSwan that a version number stands for, and what makes it send ESP as it is.
declare -A RELEASE=([5.9.8]=bookworm [6.0.1]=trixie) RAW_ESP=([5.9.8]=no [6.0.1]=yes)
running=
peer_start() {
  [ "$running" != "$1" ] || return 0
  [ -z "$running" ] || strongswan_stop b
  strongswan_start b release="${RELEASE[$1]}" raw_esp="${RAW_ESP[$1]}" charon="$CHARON" || return 1
  running=$1
}

# lines SECTION: what the scenario has for that section of swanctl.conf.
lines() {
  of "def lines: to_entries[] | if .value | type == \"object\" then \"\\(.key) {\", (.value | lines), \"}\"
    else \"\\(.key) = \\(.value)\" end; .swanctl.$1 // {} | lines"
}

configure() {
  local network each
  network=$(of .network)
  for each in $(of '.auth | map(select(. != "psk")) | unique[]'); do issue_chains "$each" "$(of .chain)"; done
  # For IKEv1 strongSwan takes any key of its identity.
  mkdir -p "$LAB_DIR/b/swanctl/private"
  rm -f "$LAB_DIR/b/swanctl/private/"*
  for each in $(of '.certificates | map(select(. != "psk")) | unique[]'); do
    cp "$PKI/$each-b.key" "$LAB_DIR/b/swanctl/private/$each.key"
  done
  network "$network"
  strongswan_load b remote_addrs="$(seen a "$network")" psk="$(of .psk)" id="$(of .ids.strongswan)" \
    peer_id="$(of .ids.sekisho)" connection="$(lines connection)" child="$(lines child)" \
    local="$(lines local)" remote="$(lines remote)" secrets="$(lines secrets)"
  PSK=$(of .psk) sekisho_apply a ".tokyo.remote.address = \"$(seen b "$network")\"" ".tunnels.tokyo *= $(of '.tunnel | tojson')" \
    '.tunnels.tokyo |= with_entries(select(.value != null))'
}

begin() {
  case $1 in
    sekisho) expect 'Sekisho begins' sekisho a tunnel up tokyo --timeout 15 ;;
    strongswan) expect 'strongSwan begins' swanctl b --initiate --child c --timeout 15 ;;
    traffic) first_packet ;;
  esac
  await_tunnel a up
}

# What each end proved itself by, as strongSwan has logged it. (It says nothing of the pre-shared key of IKEv1, nor by what
# it signs there itself.)
expect_authenticated() {
  local end proof id said
  for end in sekisho strongswan; do
    proof=$(of ".proof.$end") id="'$(of ".ids.$end")'"
    [ "$(of .version)$(of ".auth.$end")" != v1psk ] || continue
    [ "$end" = sekisho ] || id+=' (myself)'
    said="authentication of $id with $proof"
    [ "$(of .version)$end" != v1strongswan ] || said="authentication of $id successful"
    expect "$end proved itself by $proof" peer_logged "$said"
  done
}
# peer_logged TEXT: strongSwan, since `once` began.
peer_logged() { tail -n "+$logged" "$LAB_DIR/b/charon.log" | grep -F "$1" >/dev/null; }

# strongSwan's view: "algorithms of the IKE SA", or of its child.
strongswan_algorithms() {
  swanctl b --list-sas >"$LAB_DIR/sas"
  case $1 in
    ike) sed -nE '4s/^ *//p' "$LAB_DIR/sas" ;;
    esp) sed -nE 's/^  c: .*, ESP(in UDP)?:([^,]*).*/\2/p' "$LAB_DIR/sas" ;;
  esac
}

expect_algorithms() {
  equal "the IKE SA's proposal, to Sekisho" "$(of .ike)" "$(sekisho a show ike-sa tokyo --json | jq -r '.[] | select(.state != "deleting").proposal')"
  equal "the child SA's suite, to Sekisho" "$(of '.suite')" "$(sekisho a show child-sa --json | jq -r '[.[] | select(.state != "deleting").suite][0]')"
  equal "the IKE SA's algorithms, to strongSwan" "$(of .proposed.ike)" "$(strongswan_algorithms ike)"
  equal "the child SA's algorithms, to strongSwan" "$(of .proposed.esp)" "$(strongswan_algorithms esp)"
}

end() {
  case $1 in
    sekisho) sekisho a tunnel down tokyo ;;
    *) swanctl b --terminate --ike t --timeout 5 >/dev/null ;;
  esac
  await_tunnel a down
  # Nobody acknowledges a delete of IKEv1, so it is repeated for a while.
  await 5 'no IKE SA at Sekisho but what goes' eval \
    'sekisho a show ike-sa tokyo --json | jq -e "all(.state == \"deleting\")" >/dev/null'
  await 5 'no IKE SA at strongSwan' eval '[ -z "$(swanctl b --list-sas)" ]'
}

# once INITIATOR: the whole life of one tunnel.
once() {
  local each logged
  for each in $(of '.first[]'); do "first_$each"; done
  logged=$(wc -l <"$LAB_DIR/b/charon.log")
  begin "$1"
  expect_authenticated
  equal 'pings lost from left' 0 "$(ping_lost left 4 3 0.01)"
  equal 'pings lost from right' 0 "$(ping_lost right 4 3 0.01)"
  expect_algorithms
  for each in $(of '.then[]'); do "then_$each" "$1"; done
  expect_sealed_only "$(of .network)" "$(of .peer)"
  end "$1"
}

run_scenario() {
  local each
  configure
  for each in $(of '.initiators[]'); do
    step "$each"
    once "$each"
  done
}

# How things stand where a scenario failed, beside its log.
look_and_tidy() {
  if [ "$?" != 0 ]; then
    for each in tunnel ike-sa child-sa route neighbour counters; do sekisho a show "$each" --json; done >"${log%.log}.shown" 2>&1
    swanctl b --list-sas >>"${log%.log}.shown" 2>&1
  fi
  network_again
}

# After a failure nothing is known of either gateway, so both begin anew.
start_both() {
  sekisho_start a '.tokyo.start = "respond"'
  running=
}
stop_both() {
  sekisho_stop a || :
  [ -z "$running" ] || strongswan_stop b || :
  rm -f "$LAB_DIR/b/charon.vici"
}

lab_up sekisho strongswan
# Where a child SA is for 0.0.0.0/0, strongSwan's routes would send what comes for its own LAN back into the tunnel.
on b ip rule add priority 100 to "${LAN4[b]}.0/24" lookup main
(umask 077 && printf whale >"$LAB_DIR/a/ppk")
start_both
passed=0 failed=0
mkdir "$LAB_DIR/scenario"
for name in $names; do
  started=${EPOCHREALTIME/./}
  log=$LAB_DIR/scenario/$name.log
  scenario=$(jq -c --arg name "$name" 'select(.name == $name)' <<<"$all" | jq -c -f "$INTEROP/scenario.jq")
  peer_start "$(of .peer)" >>"$log"
  (trap look_and_tidy EXIT && run_scenario) >>"$log" 2>&1 &  # in the background `set -e` holds, in a condition it would not
  wait "$!" && status=0 || status=$?
  seconds=$(jq -n "(${EPOCHREALTIME/./} - $started) / 1e5 | floor / 10")
  if [ "$status" = 0 ]; then
    passed=$((passed + 1))
    printf 'ok      %-44s %5s s\n' "$name" "$seconds"
    continue
  fi
  failed=$((failed + 1))
  printf 'FAILED  %-44s %5s s; the end of what it did:\n' "$name" "$seconds"
  tail -n 15 "$log" | sed 's/^/        /'
  stop_both >>"$log" 2>&1
  start_both >>"$log" 2>&1
done
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
