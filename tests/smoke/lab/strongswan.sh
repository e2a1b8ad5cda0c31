# strongSwan as a gateway. It runs from its own root (.lab/peer/RELEASE, unpacked by script/bootstrap) by chroot in the
# mount namespace that `ip netns exec` makes anyway, so nothing of it is installed here and no mount outlives it.
# Its directory is /lab/SIDE inside and $LAB_DIR/SIDE outside.

declare -A STRONGSWAN_RELEASE STRONGSWAN_PID

# strongswan_root SIDE: prints the words that precede a command for it to run there.
strongswan_root() {
  printf '%s\n' "$SMOKE/lab/in_root" "$TOP/.lab/peer/${STRONGSWAN_RELEASE[$1]}" "$LAB_DIR" \
    "STRONGSWAN_CONF=/lab/$1/strongswan.conf" "SWANCTL_DIR=/lab/$1/swanctl"
}

swanctl() {
  local side=$1
  shift
  on "$side" $(strongswan_root "$side") /usr/sbin/swanctl "$@" --uri "unix:///lab/$side/charon.vici"
}

# strongswan_start SIDE [KEY=VALUE...]: the daemon's keys are release, raw_esp, log_keys and charon (lines for its
# section); those of strongswan_load go on to it.
strongswan_start() {
  local side=$1 release=bookworm raw_esp=no log_keys=no charon='' each connection_keys=()
  shift
  for each in "$@"; do
    case $each in
      release=* | raw_esp=* | log_keys=* | charon=*) local "$each" ;;
      *) connection_keys+=("$each") ;;
    esac
  done
  STRONGSWAN_RELEASE[$side]=$release
  strongswan_write_daemon "$side"
  start "$side" "$LAB_DIR/$side/charon.out" $(strongswan_root "$side") /usr/sbin/charon-systemd
  STRONGSWAN_PID[$side]=$STARTED
  await 10 "charon's socket" test -S "$LAB_DIR/$side/charon.vici"
  strongswan_load "$side" "${connection_keys[@]}"
}

# strongswan_load SIDE [KEY=VALUE...]: another configuration for the one that runs; established SAs stay. connection,
# local, remote, child and secrets are further lines of those sections; they come last and therefore count.
strongswan_load() {
  local side=$1 ike=aes128gcm16-prfsha256-x25519 esp=aes128gcm16 psk=swordfish-in-the-lab
  local id=$1.lab peer_id=${OTHER[$1]}.lab connection='' local='' remote='' child='' secrets=''
  local remote_addrs=${WAN[${OTHER[$1]}]}
  local local_ts="${LAN4[$1]}.0/24,${LAN6[$1]}:/64" remote_ts="${LAN4[${OTHER[$1]}]}.0/24,${LAN6[${OTHER[$1]}]}:/64"
  shift
  [ $# = 0 ] || local "$@"
  strongswan_write_connection "$side"
  swanctl "$side" --load-all --clear --noprompt >"$LAB_DIR/$side/load.out" 2>&1 || fail "swanctl: $(cat "$LAB_DIR/$side/load.out")"
}

strongswan_stop() {
  stop "${STRONGSWAN_PID[$1]}"
  rm -f "$LAB_DIR/$1/charon.vici"
}

strongswan_write_daemon() {
  local side=$1 level=2
  [ "$log_keys" = no ] || level=4
  cat >"$LAB_DIR/$side/strongswan.conf" <<END
charon-systemd {
  load = random nonce openssl curve25519 pem pkcs1 pkcs8 x509 pubkey revocation constraints kdf hmac aes sha1 sha2 gcm ctr drbg mgf1 socket-default kernel-libipsec kernel-netlink vici updown counters
  retransmit_timeout = 1.0
  retransmit_base = 1.4
  retransmit_tries = 4
  $charon
  plugins {
    vici {
      socket = unix:///lab/$side/charon.vici
    }
    kernel-libipsec {
      raw_esp = $raw_esp
    }
  }
  filelog {
    log {
      path = /lab/$side/charon.log
      flush_line = yes
      default = 1
      ike = $level
      chd = $level
    }
  }
}
END
}

strongswan_write_connection() {
  local side=$1 directory=$LAB_DIR/$1/swanctl
  mkdir -p "$directory"/{x509,x509ca,x509ocsp,x509aa,x509ac,x509crl,pubkey,private,rsa,ecdsa,bliss,pkcs8,pkcs12}
  cat >"$directory/swanctl.conf" <<END
connections {
  t {
    version = 2
    local_addrs = ${WAN[$side]}
    remote_addrs = $remote_addrs
    proposals = $ike
    $connection
    local {
      auth = psk
      id = $id
      $local
    }
    remote {
      auth = psk
      id = $peer_id
      $remote
    }
    children {
      c {
        local_ts = $local_ts
        remote_ts = $remote_ts
        esp_proposals = $esp
        $child
      }
    }
  }
}
secrets {
  ike-1 {
    id-1 = $id
    id-2 = $peer_id
    secret = "$psk"
  }
  $secrets
}
END
}
