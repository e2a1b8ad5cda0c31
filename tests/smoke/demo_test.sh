# script/demo does what the README says, and leaves nothing behind: at its end, after --keep, and when interrupted.
source "$(dirname "$0")/lab.sh"
LAB=sekisho-demo
nothing_left() {
  equal "the demo's namespaces" '' "$(ip netns list | grep "^$LAB" || :)"
  equal "the demo's directory" '' "$(ls -d "/tmp/$LAB" 2>/dev/null || :)"
  equal "the demo's processes" '' "$(pgrep -f "/tmp/$LAB/" || :)"
  equal 'mounts' '' "$(grep "$LAB" /proc/mounts || :)"
}
equal 'no demo is there yet' '' "$(ip netns list | grep "^$LAB" || :)"
expect 'the demo' timeout 120 "$TOP/script/demo"
nothing_left

step 'interrupted at several moments'
for moment in 'Sekisho starts' 'Hosts reach' 'iperf3, TCP'; do
  log=$(mktemp)
  # A terminal's Ctrl-C: SIGINT to the whole process group, in which it is not ignored.
  "$PYTHON" -c 'import os, signal, sys
os.setsid(); signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])' \
    "$TOP/script/demo" >"$log" 2>&1 &
  demo=$!
  await_line 60 "$log" "$moment"
  kill -INT -- "-$demo"
  code=0; wait "$demo" || code=$?
  expect "interrupted at '$moment', exit code $code" test "$code" != 0
  rm -f "$log"
  nothing_left
done

step '--keep and --down'
expect 'the demo, kept' timeout 120 "$TOP/script/demo" --keep
expect 'the kept lab still works' ip netns exec "$LAB-left" ping -q -c 3 -i 0.1 10.2.0.2
expect 'a second demo refuses' eval '! "$TOP/script/demo" 2>/dev/null'
expect 'down' "$TOP/script/demo" --down
nothing_left
