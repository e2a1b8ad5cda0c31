# With hugepages where there are some, and two workers on shared cores with either crypto backend.
source "$(dirname "$0")/lab.sh"
pages=$(sysctl -n vm.nr_hugepages)
restore() { sysctl -qw "vm.nr_hugepages=$pages"; }
lab_up sekisho strongswan
trap 'status=$?; restore; (exit $status); lab_down' EXIT
strongswan_start b
sysctl -qw vm.drop_caches=3 vm.compact_memory=1  # a page cache in pieces leaves no two megabytes in a row
sysctl -qw vm.nr_hugepages=$((pages + 300))
at_least 'free hugepages' 256 "$(awk '$1 == "HugePages_Free:" { print $2 }' /proc/meminfo)"

# carries WHAT LEAST_PAGES MOST_PAGES
carries() {
  await_tunnel a up
  local used
  used=$(awk '$1 == "HugePages_Total:" { t = $2 } $1 == "HugePages_Free:" { print t - $2 }' /proc/meminfo)
  say "$1: $used hugepages in use"
  expect 'as many as expected' test "$used" -ge "$2" -a "$used" -le "$3"
  ping_sizes left 4 64 1400
  tcp_both_ways 4 10
  tcp_both_ways 6 10
}
sekisho_start a
carries 'hugepages' 16 300
sekisho_stop a
DATAPLANE_ARGUMENTS='--no-huge --workers 2' sekisho_start a
carries 'no hugepages, two workers' 0 0
sekisho_stop a
DATAPLANE_ARGUMENTS='--workers 2 --crypto openssl' sekisho_start a
carries 'hugepages, two workers, OpenSSL' 16 300
