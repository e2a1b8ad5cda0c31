# FRR in a namespace: beside a Sekisho, or as a router of its own. It runs from its own root (.lab/peer/frr-RELEASE,
# unpacked by script/bootstrap). Its directory is /lab/PLACE-frr inside and $LAB_DIR/PLACE-frr outside; the configuration
# of each daemon is in DAEMON.conf there, written by the test.

declare -A FRR_RELEASE FRR_PID  # by place; by "place daemon"

frr_root() {
  printf '%s\n' "$SMOKE/lab/in_root" "$TOP/.lab/peer/frr-${FRR_RELEASE[$1]}" "$LAB_DIR"
}

# frr_root_file FILE: from standard input, whole at any moment, for another lab's daemon may read it just now.
frr_root_file() {
  cat >"$1.$$"
  mv "$1.$$" "$1"
}

# frr_prepare PLACE RELEASE: its directory and users.
frr_prepare() {
  local directory=$LAB_DIR/$1-frr root=$TOP/.lab/peer/frr-$2 file
  FRR_RELEASE[$1]=$2
  printf 'root:x:0:0::/root:/bin/sh\nfrr:x:998:998::/:/bin/false\n' | frr_root_file "$root/etc/passwd"
  printf 'root:x:0:\nfrr:x:998:\nfrrvty:x:997:frr\n' | frr_root_file "$root/etc/group"
  for file in other frr; do printf "%s sufficient pam_permit.so\n" auth account | frr_root_file "$root/etc/pam.d/$file"; done
  mkdir -p "$root/var/tmp/frr"
  chmod 711 "$LAB_DIR"
  mkdir -p "$directory"
  : >"$directory/vtysh.conf"
  chown -R 998:998 "$directory"
}

# frr_start PLACE DAEMON [ARGUMENTS...]: and waits until it can be asked.
frr_start() {
  local place=$1 daemon=$2 directory=$LAB_DIR/$1-frr
  shift 2
  [ -e "$directory/$daemon.conf" ] || : >"$directory/$daemon.conf"
  chown 998:998 "$directory/$daemon.conf"
  rm -f "$directory/$daemon.vty"
  start "$place" "$directory/$daemon.out" $(frr_root "$place") "/usr/lib/frr/$daemon" --vty_socket "/lab/$place-frr" \
    -z "/lab/$place-frr/zserv.api" -i "/lab/$place-frr/$daemon.pid" -f "/lab/$place-frr/$daemon.conf" -P 0 \
    --log "file:/lab/$place-frr/$daemon.log" "$@"
  FRR_PID[$place $daemon]=$STARTED
  await 10 "$daemon of $place" test -S "$directory/$daemon.vty"
}

# frr_stop PLACE DAEMON [SIGNAL]
frr_stop() { stop "${FRR_PID[$1 $2]}" "${3:-TERM}"; }

# vtysh PLACE COMMAND...
vtysh() {
  local place=$1 each arguments=()
  shift
  for each in "$@"; do arguments+=(-c "$each"); done
  on "$place" $(frr_root "$place") /usr/bin/vtysh --vty_socket "/lab/$place-frr" --config_dir "/lab/$place-frr" \
    "${arguments[@]}"
}
