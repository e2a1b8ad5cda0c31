// What the process may do. Capabilities belong to threads and DPDK makes its threads itself, so the set is reduced
// before EAL starts and every thread inherits the reduced one.
//
// Kept, for as long as the process lives, because ports and twins are made at run time:
//   CAP_NET_ADMIN  TUN/TAP creation, MAC and MTU of twins and of af_packet's interface
//   CAP_NET_RAW    packet sockets of net_af_packet and net_pcap, the slow path's raw socket
//   CAP_IPC_LOCK   packet and key memory that stays out of swap, VFIO mappings
// and only where EAL may take PCI devices:
//   CAP_SYS_ADMIN  physical addresses for a device without an IOMMU (/proc/self/pagemap)
//   CAP_SYS_RAWIO  I/O ports of a legacy virtio device
// and only with --af-xdp, for the XDP program that net_af_xdp loads and finds again by its id:
//   CAP_BPF, CAP_PERFMON, CAP_SYS_ADMIN
// The user id stays as it was: the files of sysfs and VFIO belong to root.
#pragma once

#include "base/message.h"

namespace sekisho::dataplane {

struct DeviceAccess {
  bool pci = false;
  bool af_xdp = false;
};

// Reduces permitted, effective, inheritable and bounding sets, sets no_new_privs, and raises the memory-lock limit.
// Core dumps stay allowed: keys live in pages that no dump holds (base/secret_bytes.h).
Result<void> drop_privileges(DeviceAccess access);

}  // namespace sekisho::dataplane
