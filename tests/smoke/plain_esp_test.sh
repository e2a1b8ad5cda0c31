# ESP without UDP (protocol 50): with strongSwan's raw ESP, where scapy checks every packet of both directions octet by
# octet with the keys from strongSwan's log; and between two Sekishos.
source "$(dirname "$0")/lab.sh"
suites=(aes128gcm16 aes256gcm16 chacha20poly1305 aes128-sha1 aes256-sha256 aes128-sha384 aes256-sha512)
lab_up sekisho strongswan
strongswan_start b release=trixie raw_esp=yes log_keys=yes
sekisho_start a '.tokyo.start = "respond"'
for suite in "${suites[@]}"; do
  step "$suite"
  swanctl b --terminate --ike t --timeout 5 >/dev/null 2>&1 || :
  strongswan_load b esp="$suite"
  sekisho_apply a '.tokyo.start = "respond"' ".tokyo.esp.proposals = [\"$suite\"]"
  capture_start "wire-$suite" net to-a esp
  capture_start "left-$suite" left eth0 icmp or icmp6 or tcp
  expect 'strongSwan initiates' swanctl b --initiate --child c --timeout 15
  await_tunnel a up
  ping_sizes left 4 64 65 500 1400
  ping_sizes left 6 64 1400
  capture_stop "wire-$suite"
  capture_stop "left-$suite"
  expect 'scapy opens and seals each packet to the same octets' \
    "$PYTHON" "$SMOKE/lab/check_esp.py" "$LAB_DIR/b/charon.log" "$LAB_DIR/wire-$suite.pcap" "$LAB_DIR/left-$suite.pcap" "$suite"
  tcp_both_ways 4 10
done
