# Two tunnels between two Sekishos, `tokyo` and `osaka`, as the group `far` at each end. Each is a path of its own, which
# can be cut.
#
#    tokyo  10.9.1.1  === 10.9.2.2    169.254.1.1, .2
#    osaka  10.9.1.33 === 10.9.2.33   169.254.2.1, .2
PRIMARY=([0]=10.9.1.1 [1]=10.9.2.2) STANDBY=([0]=10.9.1.33 [1]=10.9.2.33)

REDUNDANT='del(.tunnels.tokyo.selectors) | .tunnels.tokyo.ike.dpd_interval = 1 | .tunnels.tokyo.ike.retry_interval = 1
  | .ports.wan.addresses += [($wan | sub("[0-9]+$"; "33")) + "/24"]
  | .tunnels.osaka = .tunnels.tokyo
  | .tunnels.osaka.interface = {name: "vti1", addresses: [.tunnels.tokyo.interface.addresses[0] | sub("254.1"; "254.2")]}
  | .tunnels.osaka.local.address |= sub("[0-9]+$"; "33") | .tunnels.osaka.remote.address |= sub("[0-9]+$"; "33")
  | .tunnels.tokyo.interface.addresses += ["fd00:99::\(if $id == "a.lab" then 1 else 2 end)/126"]
  | .groups.far = {tunnels: ["tokyo", "osaka"], routes: ["\($far4).0/24", "\($far6):/64"], hold_down: 2}'
PATIENT='.tunnels[].ike.dpd_interval = 30'

# cut PATH MATCH...: packets of that path that match (nothing: all) get lost on the internet. mend takes that back.
cut() {
  local -n ends=$1
  local name=$1
  shift
  on net nft -f - <<<"table ip cut-$name { chain passing { type filter hook forward priority 0;
    ip saddr { ${ends[0]}, ${ends[1]} } ip daddr { ${ends[0]}, ${ends[1]} } $* drop; }; }"
}
mend() { on net nft delete table ip "cut-$1"; }

both_up() { sekisho "$1" show tunnel --json | jq -e 'length == 2 and all(.[]; .state == "up")'; }
within() { [ "$3" -le "$2" ] || fail "$1: at most $2, got '$3'"; say "ok: $1: $3 (at most $2)"; }
