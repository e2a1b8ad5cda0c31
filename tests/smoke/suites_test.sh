# Every ESP suite, with Sekisho as initiator and as responder: ping of all sizes, and TCP both ways over IPv4 and IPv6.
source "$(dirname "$0")/lab.sh"
lab_up sekisho strongswan
strongswan_start b
sekisho_start a '.tokyo.start = "respond"'

suites=(aes128gcm16 aes256gcm16 chacha20poly1305)
for cipher in aes128 aes256; do
  for integrity in sha1 sha256 sha384 sha512; do suites+=("$cipher-$integrity"); done
done

carry() {
  await_tunnel a up
  equal 'the suite in use' "$1" "$(sekisho a show child-sa --json | jq -r '.[0].suite')"
  for family in 4 6; do
    ping_sizes left "$family" 64 65 66 67 579 1400
    tcp_both_ways "$family" 10
  done
}

for suite in "${suites[@]}"; do
  step "$suite, strongSwan initiates"
  swanctl b --terminate --ike t --timeout 5 >/dev/null || :
  strongswan_load b esp="$suite"
  sekisho_apply a '.tokyo.start = "respond"' ".tokyo.esp.proposals = [\"$suite\"]"
  expect 'strongSwan initiates' swanctl b --initiate --child c --timeout 15
  carry "$suite"

  step "$suite, Sekisho initiates"
  swanctl b --terminate --ike t --timeout 5 >/dev/null
  await_tunnel a down
  expect 'Sekisho initiates' sekisho a tunnel up tokyo --timeout 20
  carry "$suite"
done
