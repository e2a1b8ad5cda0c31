# IKEv1 with strongSwan: main mode with a pre-shared key and PFS, as both sides, without NAT and through it; dead peer
# detection, rekeys of both phases under ping, and aggressive mode where it is permitted.
source "$(dirname "$0")/lab.sh"
lab_up sekisho strongswan
strongswan_start b connection='version = 1' ike=aes128-sha1-modp1024 esp=aes128-sha1-modp1024 \
  local_ts="${LAN4[b]}.0/24" remote_ts="${LAN4[a]}.0/24"

# The two configurations; arguments are more filters for Sekisho's.
v1=(.tokyo.profile='"legacy"' '.tokyo.ike = {version: "v1", proposals: ["aes128-sha1-modp1024"], dpd_interval: 2,
  retransmission: {first_ms: 500, factor: 1.5, tries: 4}}' '.tokyo.esp.proposals = ["aes128-sha1-modp1024"]'
  ".tokyo.selectors = {local: [\"${LAN4[a]}.0/24\"], remote: [\"${LAN4[b]}.0/24\"]}")
sekisho_start a "${v1[@]}" '.tokyo.start = "respond"'
load() {
  strongswan_load b ike=aes128-sha1-modp1024 esp=aes128-sha1-modp1024 local_ts="${LAN4[b]}.0/24" \
    remote_ts="${LAN4[a]}.0/24" connection=$'version = 1\n'"${1:-}" child="${2:-}"
}
carries() {
  await_tunnel a up
  equal 'pings lost' 0 "$(ping_lost left 4 10 0.05)"
  equal 'the version' IKEv1 "$(sekisho a show ike-sa --json | jq -r '.[0].version')"
}
spi() { sekisho a show child-sa --json | jq -r '[.[] | select(.state == "installed")][0].inbound_spi'; }
ike_spi() {
  sekisho a show ike-sa --json | jq -r '[.[] | select(.state == "established")] | min_by(.established_seconds).initiator_spi'
}

step 'strongSwan initiates'
expect 'up' swanctl b --initiate --child c --timeout 15
carries
swanctl b --terminate --ike t --timeout 5 >/dev/null
await_tunnel a down

step 'Sekisho initiates'
expect 'up' sekisho a tunnel up tokyo --timeout 20
carries

step 'rekeys of the child SA, by either end, without a loss'
ping_in_background left 4 400 0.02
for command in 'sekisho a tunnel rekey tokyo' 'swanctl b --rekey --child c' 'sekisho a tunnel rekey tokyo'; do
  before=$(spi)
  $command >/dev/null || fail "$command"
  await 10 "new SPIs after $command" eval "[ \"\$(spi)\" != $before ] && [ \"\$(spi)\" != null ]"
done
ping_wait
equal 'pings lost' 0 "$PING_LOST"

step 'a new ISAKMP SA under the same child SA'
before=$(ike_spi)
sekisho a tunnel rekey tokyo --ike
await 10 'another ISAKMP SA' eval "[ \"\$(ike_spi)\" != $before ]"
equal 'pings lost' 0 "$(ping_lost left 4 50 0.02)"

step 'a dead peer'
killed "${STRONGSWAN_PID[b]}"
rm "$LAB_DIR/b/charon.vici"
await_error a SKO-IKE-007 30
await_tunnel a down

step 'the peer comes back behind NAT, and begins'
on net nft -f - <<END
table ip nat {
chain out {
type nat hook postrouting priority srcnat
oifname "to-a" ip saddr ${WAN[b]} masquerade
}
}
END
sekisho_apply a "${v1[@]}" '.tokyo.start = "respond"' ".tokyo.remote.address = \"${ROUTER[a]}\""
strongswan_start b connection='version = 1' ike=aes128-sha1-modp1024 esp=aes128-sha1-modp1024 \
  local_ts="${LAN4[b]}.0/24" remote_ts="${LAN4[a]}.0/24"
expect 'up' swanctl b --initiate --child c --timeout 15
carries
equal 'remote_behind_nat' true "$(sekisho a show ike-sa --json | jq -r '.[0].remote_behind_nat')"
swanctl b --terminate --ike t --timeout 5 >/dev/null

step 'aggressive mode: refused, then permitted'
load 'aggressive = yes'
if swanctl b --initiate --child c --timeout 5 >/dev/null; then fail 'aggressive mode was taken'; fi
await_line 5 "$LAB_DIR/a/control.log" SKO-IKE-050
sekisho_apply a "${v1[@]}" '.tokyo.start = "respond"' ".tokyo.remote.address = \"${ROUTER[a]}\"" \
  '.tokyo.ike.aggressive = true'
expect 'up' swanctl b --initiate --child c --timeout 15
carries
