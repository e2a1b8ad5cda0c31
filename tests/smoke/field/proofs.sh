# What a field set-up has to show.

# pings FROM ADDRESS [ARGUMENTS...]: ten echoes get there and back. The answers come by two gateways, so their TTL is
# 62, unless TTL says otherwise.
pings() {
  local from=$1 to=$2 answer
  shift 2
  answer=$(on "$from" ping -n -c 10 -l 10 -i 2 -W 2 -p "$MARKER_HEX" "$@" "$to") ||
    fail "ping from $from to $to $*: $answer"
  equal "ping from $from to $to $*: answers, their TTLs" "10 ${TTL:-62}" \
    "$(grep -c ttl= <<<"$answer") $(sed -nE 's/.* ttl=([0-9]+) .*/\1/p' <<<"$answer" | sort -u | xargs)"
}
# no_pings FROM ADDRESS: five echoes, no answer.
no_pings() {
  equal "ping from $1 to $2: answers" 0 "$(on "$1" ping -n -c 5 -i 0.05 -W 1 -p "$MARKER_HEX" "$2" | grep -c ttl= || :)"
}

# nothing_leaves GATEWAY ADDRESS: no tunnel of this Sekisho is up; the echoes of its host for there come as far as to it.
nothing_leaves() {
  local before
  await 20 "$2 nowhere" through_is "$1" "$2" drop
  before=$(drops "$1" blackhole)
  no_pings "${HOST[$1]}" "$2"
  at_least "packets that $1 has dropped meanwhile" 5 $(($(drops "$1" blackhole) - before))
}

# esp_crossed FROM TO: how many packets of ESP have gone from one tunnel's end to the other, as far as they are written.
esp_crossed() { capture_count internet "$ESP_FILTER" and src "$(seen "$1")" and dst "$(seen "$2")"; }
esp_crossed_at_least() { [ "$(esp_crossed "$1" "$2")" -ge "$3" ]; }

# expect_crossed FROM TO BEFORE: the echoes and answers of two `pings` have gone there, since esp_crossed said BEFORE.
expect_crossed() {
  await 5 "20 more packets of ESP from $1 to $2 than $3" esp_crossed_at_least "$1" "$2" $(($3 + 20))
  say "ok: packets of ESP from $1 to $2: at least 20"
}

# A flow of echoes, 50 a second unless FLOW_INTERVAL says otherwise, over what happens meanwhile. flow_end awaits answers
# to what was sent last, and says how many had none and how long was the longest time between two answers; flow_stop does
# not, after what leaves no way for answers.
flow_start() {
  rm -f "$LAB_DIR/flow"
  start "$1" "$LAB_DIR/flow" ping -D -n -i "${FLOW_INTERVAL:-0.02}" -p "$MARKER_HEX" "$2"
  FLOW_PID=$STARTED
  await_line 10 "$LAB_DIR/flow" ttl=
}
flow_answers() { grep -c ttl= "$LAB_DIR/flow"; }
# flow_runs: an answer to an echo that is sent from now on.
flow_runs() {
  local before
  before=$(flow_answers)
  await 20 'answers again' eval "[ \$(flow_answers) -gt $((before + 10)) ]"
}
flow_stop() { stop "$FLOW_PID" INT; }
flow_end() {
  flow_runs
  flow_stop
  read -r FLOW_LOST FLOW_GAP FLOW_ANSWERS < <(awk -F'[][ =]+' '/ttl=/ {
      for (i = 1; i < NF; ++i) if ($i == "icmp_seq") sequence = $(i + 1)
      if (time && $2 - time > gap) gap = $2 - time
      if (!seen[sequence]++) ++answers
      if (!first || sequence < first) first = sequence
      if (sequence > last) last = sequence
      time = $2
    } END { printf "%d %d %d\n", last - first + 1 - answers, gap * 1000, answers }' "$LAB_DIR/flow")
  say "measured: $1: $FLOW_LOST of $((FLOW_ANSWERS + FLOW_LOST)) packets lost, longest gap $FLOW_GAP ms"
}

# field_sealed KIND: all that has crossed the internet is IKE and ESP, as such (bare) or in UDP (encapsulated).
field_sealed() {
  capture_stop internet
  capture_stop server
  equal 'packets on the internet that the capture missed' 0 "$(capture_lost internet)"
  at_least 'lines with the marker in what the server saw, so that the search is known to find' 1 "$(capture_markers server)"
  expect_silent internet
  case $1 in
    bare)
      at_least 'packets of ESP (protocol 50) on the internet' 50 "$(capture_count internet esp)"
      equal 'ESP in UDP there' 0 "$(capture_count internet "$ESP_FILTER" and udp)" ;;
    encapsulated)
      at_least 'packets of ESP in UDP on the internet' 50 "$(capture_count internet "$ESP_FILTER" and udp)"
      equal 'ESP outside of UDP there' 0 "$(capture_count internet esp)" ;;
  esac
}
