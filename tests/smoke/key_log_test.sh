# The key log: off unless the configuration names a directory, loudly on where it does, off again by the next apply; and
# with it Wireshark reads IKE and ESP out of a capture.
source "$(dirname "$0")/lab.sh"
lab_up sekisho strongswan
strongswan_start b
keys=$LAB_DIR/keys
mkdir -m 700 "$keys"
log=".key_log = {directory: \"$keys\"}"

lines() { find "$keys" -type f -name "$1" -exec cat {} + | wc -l; }
warnings() { sekisho a status --json | jq -r '[.warnings[].id] | join(",")'; }
# read_as CAPTURE FILTER: how many of its packets are that, to tshark with the logged keys.
read_as() {
  HOME=$LAB_DIR WIRESHARK_CONFIG_DIR=$keys tshark -r "$LAB_DIR/$1.pcap" -o esp.enable_encryption_decode:TRUE \
    -o esp.enable_authentication_check:TRUE -Y "$2" 2>"$LAB_DIR/tshark.err" | wc -l
  if grep -v '^Running as user' "$LAB_DIR/tshark.err" >&2; then fail "tshark does not take the keys"; fi
}

step 'off'
sekisho_start a '.tokyo.start = "respond"'
expect 'up' swanctl b --initiate --child c --timeout 15
await_tunnel a up
equal 'files' 0 "$(find "$keys" -type f | wc -l)"
equal 'warnings' '' "$(warnings)"
swanctl b --terminate --ike t --timeout 5 >/dev/null
await_tunnel a down

step 'a directory that others may enter is refused'
chmod 711 "$keys"
sekisho_config a '.tokyo.start = "respond"' "$log"
expect 'not applied' eval '! sekisho a config apply "$LAB_DIR/a/sekisho.json" >"$LAB_DIR/a/apply.out"'
expect 'the message' grep -q SKO-CFG-060 "$LAB_DIR/a/apply.out"
equal 'warnings' '' "$(warnings)"
chmod 700 "$keys"

# readable VERSION IKE ESP: a tunnel of these, from its first message to its end, is readable by what was logged.
readable() {
  local name="$1-$2-$3" before
  step "$name"
  strongswan_load b connection="version = ${1#v}" ike="$2" esp="$3" local_ts="${LAN4[b]}.0/24" remote_ts="${LAN4[a]}.0/24"
  sekisho_apply a '.tokyo.start = "respond"' "$log" '.tokyo.profile = "legacy"' \
    ".tokyo.ike = {version: \"$1\", proposals: [\"$2\"]}" ".tokyo.esp.proposals = [\"$3\"]" \
    ".tokyo.selectors = {local: [\"${LAN4[a]}.0/24\"], remote: [\"${LAN4[b]}.0/24\"]}"
  before=$(lines esp_sa)
  capture_start "$name" net to-a
  expect 'up' swanctl b --initiate --child c --timeout 15
  await_tunnel a up
  equal 'pings lost' 0 "$(ping_lost left 4 5 0.05)"
  sekisho a tunnel rekey tokyo >/dev/null
  await 10 'the keys of a second child SA' eval '[ "$(lines esp_sa)" = $((before + 4)) ]'
  equal 'pings lost' 0 "$(ping_lost left 4 5 0.05)"
  swanctl b --terminate --ike t --timeout 5 >/dev/null
  await_tunnel a down
  capture_stop "$name"
  equal 'pings and answers that Wireshark reads' 20 "$(read_as "$name" 'esp and icmp')"
  equal 'ESP packets whose ICV it finds wrong, or cannot check' 0 "$(read_as "$name" 'esp and not esp.icv_good == 1')"
  at_least 'sealed identities that it reads' 2 "$(read_as "$name" 'isakmp.id.data.fqdn')"
  at_least 'sealed deletes that it reads' 1 "$(read_as "$name" 'isakmp.delete.protoid')"
}
readable v2 aes128gcm16-prfsha256-x25519 aes256gcm16
equal 'warnings' SKO-SYS-040 "$(warnings)"
expect 'the warning is in the log' grep -q 'SKO-SYS-040.*/keys' "$LAB_DIR/a/control.log"
readable v2 aes256-sha256-modp2048 aes256-sha384
readable v1 aes128-sha1-modp1024 aes128-sha1
equal 'files that others may read' '' "$(find "$keys" -type f -perm /077)"
expect 'no logged key in a log' eval '! grep -hoE "[0-9a-f]{32,}" "$keys"/* | grep -qFf - "$LAB_DIR"/a/*.log'

step 'off again'
before=$(lines '*')
strongswan_load b
sekisho_apply a '.tokyo.start = "respond"'
expect 'up' swanctl b --initiate --child c --timeout 15
await_tunnel a up
equal 'lines' "$before" "$(lines '*')"
equal 'warnings' '' "$(warnings)"

step 'a directory that is gone does not keep the gateway from starting'
sekisho_config a '.tokyo.start = "respond"' "$log"
mv "$keys" "$keys.away"
stop "${CONTROL_PID[a]}"
control_start a
await 20 'control to answer' sekisho a show tunnel
equal 'warnings' SKO-SYS-041 "$(warnings)"
expect 'the warning is in the log' grep -q 'SKO-SYS-041.*/keys' "$LAB_DIR/a/control.log"
await 20 'the port' ports_present a
expect 'up' swanctl b --initiate --child c --timeout 15
await_tunnel a up
expect 'a check refuses it' eval '! sekisho a check "$LAB_DIR/a/sekisho.json" >"$LAB_DIR/a/check.out"'
expect 'the message' grep -q SKO-CFG-060 "$LAB_DIR/a/check.out"
expect 'and so does an apply' eval '! sekisho a config apply "$LAB_DIR/a/sekisho.json" >/dev/null'
equal 'pings lost' 0 "$(ping_lost left 4 5 0.05)"

step 'a file that was full, or is gone, is opened anew by applying what runs already'
mkdir -m 700 "$keys"
(umask 077 && truncate -s 16M "$keys/esp_sa")
expect 'applied' sekisho a config apply "$LAB_DIR/a/sekisho.json"
equal 'warnings' SKO-SYS-040 "$(warnings)"
sekisho a tunnel rekey tokyo >/dev/null
await 10 'the message that it is full' grep -q 'SKO-SYS-042.*esp_sa' "$LAB_DIR/a/control.log"
rm "$keys/esp_sa"
expect 'nothing differs' eval 'sekisho a config apply "$LAB_DIR/a/sekisho.json" | grep -q "nothing to change"'
sekisho a tunnel rekey tokyo >/dev/null
await 10 'the keys of the next child SA' eval '[ "$(lines esp_sa)" = 2 ]'
equal 'pings lost' 0 "$(ping_lost left 4 5 0.05)"
