#include "dataplane/fib/table.h"

#include <rte_errno.h>
#include <rte_rib.h>
#include <rte_rib6.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace sekisho::dataplane {
namespace {

// The two libraries by the same names.
struct Ipv4 {
  using Fib = rte_fib;
  using Rib = rte_rib;
  using Node = rte_rib_node;
  explicit Ipv4(const Prefix& prefix)
      : address(prefix.address().as_v4().host()), depth(static_cast<uint8_t>(prefix.length())) {}

  static Rib* tree(Fib* fib) { return rte_fib_get_rib(fib); }
  Node* find(Rib* rib) const { return rte_rib_lookup_exact(rib, address, depth); }
  Node* insert(Rib* rib) const { return rte_rib_insert(rib, address, depth); }
  void remove(Rib* rib) const { rte_rib_remove(rib, address, depth); }
  Node* within(Rib* rib) const { return rte_rib_get_nxt(rib, address, depth, nullptr, RTE_RIB_GET_NXT_COVER); }
  static Node* around(Node* node) { return rte_rib_lookup_parent(node); }
  static void get(const Node* node, uint64_t* next_hop) { rte_rib_get_nh(node, next_hop); }
  static void set(Node* node, uint64_t next_hop) { rte_rib_set_nh(node, next_hop); }
  bool change(Fib* fib, uint64_t next_hop) const { return rte_fib_add(fib, address, depth, next_hop) == 0; }

  uint32_t address;
  uint8_t depth;
};

struct Ipv6 {
  using Fib = rte_fib6;
  using Rib = rte_rib6;
  using Node = rte_rib6_node;
  explicit Ipv6(const Prefix& prefix) : depth(static_cast<uint8_t>(prefix.length())) {
    std::ranges::copy(prefix.address().bytes(), address.begin());
  }

  static Rib* tree(Fib* fib) { return rte_fib6_get_rib(fib); }
  Node* find(Rib* rib) const { return rte_rib6_lookup_exact(rib, address.data(), depth); }
  Node* insert(Rib* rib) const { return rte_rib6_insert(rib, address.data(), depth); }
  void remove(Rib* rib) const { rte_rib6_remove(rib, address.data(), depth); }
  Node* within(Rib* rib) const { return rte_rib6_get_nxt(rib, address.data(), depth, nullptr, RTE_RIB6_GET_NXT_COVER); }
  static Node* around(Node* node) { return rte_rib6_lookup_parent(node); }
  static void get(const Node* node, uint64_t* next_hop) { rte_rib6_get_nh(node, next_hop); }
  static void set(Node* node, uint64_t next_hop) { rte_rib6_set_nh(node, next_hop); }
  bool change(Fib* fib, uint64_t next_hop) const { return rte_fib6_add(fib, address.data(), depth, next_hop) == 0; }

  std::array<uint8_t, 16> address;
  uint8_t depth;
};

template <typename Key>
uint64_t next_hop_of(typename Key::Node* node) {
  uint64_t next_hop = 0;
  if (node) Key::get(node, &next_hop);
  return next_hop;
}

template <typename Key>
bool write_piece(typename Key::Fib* fib, const Prefix& prefix, uint64_t before, uint64_t after) {
  const Key key(prefix);
  auto* rib = Key::tree(fib);
  auto* node = key.insert(rib);
  if (!node) return rte_errno == EEXIST;  // a route of its own, which stays
  Key::set(node, before);
  const bool written = key.change(fib, after);
  key.remove(rib);
  return written;
}

// Gives the addresses of a route that no longer one takes another next hop.
template <typename Key>
bool write(typename Key::Fib* fib, const Prefix& prefix, uint64_t after) {
  const Key key(prefix);
  auto* rib = Key::tree(fib);
  auto* node = key.find(rib);
  const uint64_t before = next_hop_of<Key>(node);
  if (before == after) return true;
  const IpAddress last = prefix.last();
  if (!std::ranges::all_of(last.bytes(), [](uint8_t byte) { return byte == 255; }) || !key.within(rib))
    return key.change(fib, after);
  // The left half, then that of the right half, and so on until a half is a route or has none within.
  Prefix rest = prefix;
  bool written = true;
  do {
    const unsigned half = rest.length() + 1;
    written &= write_piece<Key>(fib, Prefix(rest.address(), half), before, after);
    rest = Prefix(last, half);
  } while (!Key(rest).find(rib) && Key(rest).within(rib));
  written &= write_piece<Key>(fib, rest, before, after);
  Key::set(node, after);
  return written;
}

template <typename Key>
bool set(typename Key::Fib* fib, const Prefix& prefix, ipc::NextHopId next_hop) {
  if (auto* node = Key(prefix).insert(Key::tree(fib)))
    Key::set(node, next_hop_of<Key>(Key::around(node)));
  else if (rte_errno != EEXIST)
    return false;
  return write<Key>(fib, prefix, next_hop.value());
}

template <typename Key>
bool remove(typename Key::Fib* fib, const Prefix& prefix) {
  const Key key(prefix);
  auto* node = key.find(Key::tree(fib));
  if (!node || !write<Key>(fib, prefix, next_hop_of<Key>(Key::around(node)))) return false;
  key.remove(Key::tree(fib));
  return true;
}

}  // namespace

bool set_route(rte_fib* fib, const Prefix& prefix, ipc::NextHopId next_hop) { return set<Ipv4>(fib, prefix, next_hop); }
bool set_route(rte_fib6* fib, const Prefix& prefix, ipc::NextHopId next_hop) {
  return set<Ipv6>(fib, prefix, next_hop);
}
bool remove_route(rte_fib* fib, const Prefix& prefix) { return remove<Ipv4>(fib, prefix); }
bool remove_route(rte_fib6* fib, const Prefix& prefix) { return remove<Ipv6>(fib, prefix); }

}  // namespace sekisho::dataplane
