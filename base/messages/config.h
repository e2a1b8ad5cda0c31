// SKO-CFG: the configuration file.
#pragma once

#include "base/message.h"

namespace sekisho::messages {

inline constexpr Message config_not_json{
    "SKO-CFG-001", Severity::error, "configuration is not JSON",
    "The file breaks the rules of JSON at the place that the detail names: a comma too few or too many, a comment, "
    "which "
    "JSON has not, or something else.",
    "Mend the syntax there; `sekisho config check FILE` shows the rest afterwards."};
inline constexpr Message config_too_large{
    "SKO-CFG-002", Severity::error, "configuration exceeds a limit",
    "The text is larger or nested deeper than a configuration may be, or it holds more objects than the gateway takes.",
    "Check that this is the right file, and spread the load over more gateways where it is."};
inline constexpr Message config_duplicate_key{
    "SKO-CFG-003", Severity::error, "key stands twice",
    "An object of the configuration has the same key more than once, so it is unclear which one is meant.",
    "Remove one of the two, or rename it."};
inline constexpr Message config_unknown_key{
    "SKO-CFG-004", Severity::error, "unknown key",
    "No such key is known at this place; it may be misspelt or belong somewhere else.",
    "Correct the key or remove it; docs/configuration.md lists the keys of every object."};
inline constexpr Message config_wrong_type{"SKO-CFG-005", Severity::error, "value has the wrong type",
                                           "This key takes another kind of JSON value.",
                                           "Write the kind of value that the detail names."};
inline constexpr Message config_missing_key{"SKO-CFG-006", Severity::error, "required key is missing",
                                            "An object lacks a key that has no default.",
                                            "Add the key that the detail names."};
inline constexpr Message config_out_of_range{"SKO-CFG-007", Severity::error, "value is out of range",
                                             "The value lies outside of what the gateway supports.",
                                             "Choose a value within the range that the detail names."};
inline constexpr Message config_bad_address{
    "SKO-CFG-008", Severity::error, "not a usable IP address",
    "The text is not an IPv4 or IPv6 address, or it is one that cannot stand here.",
    "Write a unicast address such as 10.9.1.1 or 2001:db8::1, without a prefix length unless one is asked for."};
inline constexpr Message config_bad_prefix{
    "SKO-CFG-009", Severity::error, "not a usable prefix",
    "The text is not an IP prefix, or bits behind the prefix length are set.",
    "Write the network's own address and its length, such as 10.2.0.0/16 or fd00:2::/64."};
inline constexpr Message config_bad_name{
    "SKO-CFG-010", Severity::error, "name cannot be used",
    "Names of ports and interfaces go to the kernel, which takes up to 15 letters, digits, dots, dashes and "
    "underscores, beginning with a letter or digit; tunnels may have up to 63. Some names are the kernel's own.",
    "Choose another name."};
inline constexpr Message config_duplicate{"SKO-CFG-011", Severity::error,
                                          "two parts of the configuration claim the same thing",
                                          "A name of a port, tunnel interface or VRF, an address, a device, a route, a "
                                          "pair of peers or a tunnel of a group may "
                                          "be used once only.",
                                          "Compare with the place that the detail names, and change one of the two."};
inline constexpr Message config_bad_proposal{
    "SKO-CFG-012", Severity::error, "unknown proposal",
    "The proposal does not consist of known algorithm names joined by dashes, in the order encryption, integrity or "
    "PRF, key exchange.",
    "Put it together from the algorithms that the detail lists."};
inline constexpr Message config_legacy_proposal{
    "SKO-CFG-013", Severity::error, "legacy algorithm outside the legacy profile",
    "SHA-1 in IKE, 3DES and the MODP groups of 1024 and 1536 bits are too weak for new connections (RFC 8247, RFC "
    "8221).",
    "Use a modern proposal, or write \"profile\": \"legacy\" in the tunnel if the peer can do no better."};
inline constexpr Message config_psk_unreadable{
    "SKO-CFG-014", Severity::error, "pre-shared key file cannot be read",
    "The file that is to hold the key does not exist, is no regular file or may not be read by whoever checks here: "
    "the "
    "control daemon, or the user of `sekisho config check`.",
    "Check the path, which is relative to the configuration file, and the owner and mode of the file; check as root."};
inline constexpr Message config_psk_exposed{
    "SKO-CFG-015", Severity::error, "pre-shared key file is open to everyone",
    "The mode of the file lets every user of the machine read or change the key.",
    "Run chmod 600 on the file, and choose a new key if others may have seen it."};
inline constexpr Message config_psk_length{
    "SKO-CFG-016", Severity::error, "pre-shared key has an unusable length",
    "A key is 1 to 256 bytes; one newline at the end of the file does not count.",
    "Write the key, and nothing else, into the file; `openssl rand -base64 32` makes a good one."};
inline constexpr Message config_bad_choice{"SKO-CFG-017", Severity::error, "unknown choice",
                                           "This key takes one of a few words.",
                                           "Choose one of the words that the detail lists."};
inline constexpr Message config_route_outside_selectors{
    "SKO-CFG-018", Severity::error, "route leads to addresses that the tunnel may not carry",
    "The prefix lies outside of the tunnel's remote selectors, so every packet that took this route would be dropped.",
    "Add the prefix to \"selectors\".\"remote\" on both ends, or remove the route."};
inline constexpr Message config_family_mismatch{
    "SKO-CFG-019", Severity::error, "address families do not fit together",
    "Two addresses or prefixes that belong together are of different families: the two ends of a tunnel, a route and "
    "its gateway, the selectors of both sides.",
    "Use addresses of one family; what a tunnel carries may be of another than its ends."};
inline constexpr Message config_bad_identity{
    "SKO-CFG-020", Severity::error, "not a usable IKE identity",
    "An identity is an address, a domain name, a mail address, or keyid: followed by any text, up to 255 bytes "
    "without control characters.",
    "Write it as the peer's configuration has it, such as 10.9.1.1, a.example.net, user@example.net or keyid:office."};
inline constexpr Message config_bad_device{
    "SKO-CFG-021", Severity::error, "not a usable device",
    "A device is a PCI address or a DPDK driver with its arguments, up to 239 printable characters without spaces.",
    "Write it as DPDK does, such as 0000:03:00.0 or net_af_packet0,iface=eth1."};
inline constexpr Message config_route_loop{
    "SKO-CFG-022", Severity::error, "tunnel would carry its own packets",
    "A route through the tunnel covers the peer's outside address, and no more specific route leads there.",
    "Add a route to the peer's address under \"routes\", such as its /32 by way of the provider's gateway; or give the "
    "tunnel's interface a \"vrf\", whose routes only what travels inside follows."};
inline constexpr Message config_too_many_errors{"SKO-CFG-023", Severity::error, "too many errors",
                                                "The configuration holds more errors than are listed.",
                                                "Mend those that are listed and check again."};

inline constexpr Message config_bad_private_key{
    "SKO-CFG-030", Severity::error, "private key cannot be used",
    "The file cannot be read, is open to everyone, or holds no private key that IKE can sign with: RSA of 2048 to 8192 "
    "bits, ECDSA on P-256, P-384 or P-521, or Ed25519, in PEM and without a passphrase.",
    "Check the path, which is relative to the configuration file, and the owner and mode of the file (chmod 600)."};
inline constexpr Message config_bad_certificate{
    "SKO-CFG-031", Severity::error, "certificate or revocation list cannot be used",
    "The file cannot be read, may be changed by everyone, or does not hold what it should in PEM or DER.",
    "Check the path, which is relative to the configuration file, and the file with openssl x509 or openssl crl."};
inline constexpr Message config_key_mismatch{
    "SKO-CFG-032", Severity::error, "private key belongs to another certificate",
    "The first certificate of the file is not one of this private key.",
    "Put the gateway's own certificate first, and compare its public key with the private one's."};
inline constexpr Message config_not_certified{
    "SKO-CFG-033", Severity::error, "identity cannot be proven by a certificate",
    "A name, mail address or IP address must stand in the certificate's subjectAltName, a distinguished name must be "
    "its "
    "subject, and a key id is in no certificate.",
    "Use an identity that the certificate has, or have one issued that has the identity."};
inline constexpr Message config_wrong_auth{
    "SKO-CFG-034", Severity::error, "key does not go with the kind of authentication",
    "The object names a file that the kind of authentication under \"auth\" does not use.",
    "Remove the key, or write the other kind of authentication."};
inline constexpr Message config_proof_not_in_ikev1{"SKO-CFG-035", Severity::error,
                                                   "authentication that IKEv1 does not have here",
                                                   "IKEv1 authenticates both ends by the pre-shared key, or both by "
                                                   "certificates with RSA keys in main mode. It has no post-quantum "
                                                   "key.",
                                                   "Write the same \"auth\" at both ends, take an RSA key, leave "
                                                   "\"aggressive\" and \"ppk\" out, or take IKEv2."};
inline constexpr Message config_not_in_ikev1{
    "SKO-CFG-045", Severity::error, "proposal that IKEv1 cannot express",
    "IKEv1 has no combined-mode cipher and no PRF of its own in \"ike\", no chacha20poly1305 and no esn in \"esp\", "
    "and no "
    "x25519.",
    "Take a proposal such as aes256-sha256-ecp256 for \"ike\" and aes128gcm16-ecp256 for \"esp\", or IKEv2."};
inline constexpr Message config_aggressive_without_v1{
    "SKO-CFG-046", Severity::error, "aggressive mode without IKEv1", "Only IKEv1 has an aggressive mode.",
    "Leave \"aggressive\" out, or write \"version\": \"v1\" if the peer speaks nothing newer."};
inline constexpr Message config_children_selectors{
    "SKO-CFG-050", Severity::error, "selectors beside children",
    "A tunnel has either \"selectors\" of its own or \"children\" that each have some.",
    "Move the selectors into the children that are to carry them."};
inline constexpr Message config_children_alike{
    "SKO-CFG-051", Severity::error, "two children carry the same traffic",
    "Two children of one tunnel have the same selectors, so nothing decides which one a packet takes.",
    "Remove one of the two, or change its selectors."};
inline constexpr Message config_any_peer{
    "SKO-CFG-052", Severity::error, "no address to begin at",
    "A peer whose address is \"any\" is known by its identity when it comes; nothing can be sent to it before.",
    "Write \"start\": \"respond\", or the peer's address."};
inline constexpr Message config_writable{
    "SKO-CFG-053", Severity::error, "everybody may write to the configuration",
    "Whoever can change the file decides whom this gateway trusts and where packets go.",
    "Take the permission away (chmod o-w FILE), and look over what the file says."};

inline constexpr Message config_key_log_directory{
    "SKO-CFG-060", Severity::error, "directory cannot hold keys",
    "The key log needs a directory that is there, that the daemon's user owns and no other may enter, and that no "
    "other "
    "user can replace on the way to it.",
    "Make one for it (mkdir -m 700 /var/lib/sekisho/keys), or leave \"key_log\" out."};
inline constexpr Message config_candidates_differ{
    "SKO-CFG-061", Severity::warning, "another tunnel may decide how this one's peer is answered",
    "The first answer goes out before the peer says who it is. Of the tunnels that the addresses fit, the first by "
    "name with a proposal in common decides what the detail names, for the peers of the others as well.",
    "Give each a local address of its own or its peer's address in place of \"any\". Proposals, encapsulation and "
    "fragmentation may be made alike; a key is never shared among peers: take IKEv2 or certificates instead."};
inline constexpr Message config_no_route{
    "SKO-CFG-062", Severity::warning, "nothing leads into the tunnel",
    "\"routes\" is empty, or is left out where the remote selectors are 0.0.0.0/0 or ::/0, of which no route is made. "
    "Packets for the far side take other routes, in clear, and no blackhole guards them.",
    "List the far side's networks under \"routes\". Where a routing daemon makes the routes by the tunnel's interface, "
    "this is as intended."};
inline constexpr Message config_route_beside{
    "SKO-CFG-063", Severity::warning, "part of a tunnel's route leads past the tunnel",
    "A static route is more specific than a route of the tunnel: packets for that part go to its gateway, in clear.",
    "Remove the static route, or leave it where that part is meant to go by the gateway."};
inline constexpr Message config_local_address_elsewhere{
    "SKO-CFG-064", Severity::warning, "no port has the tunnel's local address",
    "Neither a port nor a tunnel interface of the front door has it or an alternative to it, and IKE has its sockets "
    "there, not in a VRF. The tunnel is not negotiated before some interface of the front door has one.",
    "Correct \"local\".\"address\", give the address to a port without \"vrf\", or take \"vrf\" from the port; where "
    "something else gives the address to an interface, this is as intended."};
inline constexpr Message config_bgp_reserved_as{
    "SKO-CFG-080", Severity::error, "AS number cannot be used",
    "The number has a meaning of its own in BGP, or the cloud at the other end keeps it for itself or refuses it; the "
    "detail has which. There would be no session, or no use of its routes.",
    "\"neighbour_as\": the number that the neighbour has; a cloud shows it with its VPN gateway. \"local_as\": one "
    "that "
    "is assigned to you, or a private one, 64512 to 65534 or 4200000000 to 4294967294, but not one that the detail "
    "says "
    "is taken."};
inline constexpr Message config_bgp_internal{
    "SKO-CFG-081", Severity::error, "cloud in one's own AS",
    "Both ends have the same AS number. Clouds speak external BGP alone, which is between two of them.",
    "Correct the number that is wrong; the cloud shows its own with its VPN gateway (by default 64512 with AWS, 65515 "
    "with Azure)."};
inline constexpr Message config_bgp_inside_address{
    "SKO-CFG-082", Severity::error, "inside address cannot be used",
    "The tunnel interface has an address that the cloud keeps for itself, or does not take for BGP.",
    "With AWS take another /30 of 169.254.0.0/16. With Azure take one of 169.254.21.0 to 169.254.22.255, or, where BGP "
    "runs between other addresses, none of 169.254.0.0/16."};

inline constexpr Message config_group_tunnel{
    "SKO-CFG-070", Severity::error, "group names a tunnel that is not there",
    "Each entry of a group's \"tunnels\" is the name of a tunnel of the same file.",
    "Correct the name, or add the tunnel under \"tunnels\"."};
inline constexpr Message config_group_asleep{
    "SKO-CFG-071", Severity::error, "tunnel of a group sleeps until there is traffic",
    "The tunnels of a group are all kept up, so that one can take the place of another at once; with \"start\": "
    "\"on-traffic\" a tunnel comes up only when it is sent to.",
    "Write \"start\": \"start\", or \"respond\" where the peer begins."};
inline constexpr Message config_group_weight{"SKO-CFG-072", Severity::error, "weight that nothing has a use for",
                                             "\"weights\" says how the tunnels of a group share its traffic out, where "
                                             "\"mode\" is \"active\"; its keys are names "
                                             "of the group's own tunnels.",
                                             "Correct the name, write \"mode\": \"active\", or leave the weight out."};

inline constexpr Message config_probe_unanswerable{
    "SKO-CFG-073", Severity::error, "probe cannot be answered",
    "No answer of the probe's target would come back through the tunnel, or count; the tunnel would never be usable.",
    "Let the probe ask for the peer's address in the network of the tunnel's interface, such as 169.254.1.2 where the "
    "interface has 169.254.1.1/30, and let the selectors of both ends have both addresses."};
inline constexpr Message config_probe_doubtful{
    "SKO-CFG-074", Severity::warning, "probe may not be answered",
    "It depends on routes that the configuration does not show whether an answer of the target comes back through the "
    "same tunnel. Without answers the tunnel is not usable.",
    "Let the probe ask for the peer's address in the network of the tunnel's own interface. Where other routes lead to "
    "the target and back through this tunnel, this is as intended."};

inline constexpr Message config_vrf_unknown{
    "SKO-CFG-090", Severity::error, "VRF is not there",
    "A \"vrf\" is the name of one under \"vrfs\" of the same file; where it is left out, the front door is meant.",
    "Correct the name, or add the VRF under \"vrfs\"."};
inline constexpr Message config_group_over_vrfs{
    "SKO-CFG-091", Severity::error, "tunnels of one group are in different VRFs",
    "The routes of a group are in the table of its tunnels, so that has to be one.",
    "Give the interfaces of all of the group's tunnels the same \"vrf\", or make a group for each."};
inline constexpr Message config_not_in_vrf{
    "SKO-CFG-092", Severity::error, "not to be had in a VRF",
    "The detail names a key that works in the front door only, and the tunnel's interface has a \"vrf\".",
    "Leave the key out; dead peer detection (\"dpd_interval\") works everywhere."};

inline constexpr Message config_security_group_unknown{
    "SKO-CFG-120", Severity::error, "no such security group",
    "A port or tunnel interface names a security group that the file does not have.",
    "Correct the name, or add the group under \"security_groups\"."};
inline constexpr Message config_security_rules{
    "SKO-CFG-121", Severity::error, "too many rules for an interface",
    "Each combination of a rule's remote prefix, local prefix and range of ports counts, over all security groups of "
    "the interface.",
    "Write wider prefixes or ranges, leave out of a rule what is any, or give the interface fewer groups: it is their "
    "sum that counts."};
inline constexpr Message config_security_rule_key{
    "SKO-CFG-122", Severity::error, "key does not go with the rule's protocol",
    "Only TCP, UDP and SCTP have ports, and only ICMP and ICMPv6 have types.",
    "Name the protocol in \"protocol\", or remove the key."};
inline constexpr Message config_group_guards_differ{
    "SKO-CFG-123", Severity::warning, "tunnels of one group have different security groups",
    "Connections are known by the list of security groups that let them pass. Where another tunnel of the group "
    "carries "
    "its traffic, they are unknown to it and go by its rules, packet by packet as they come: some end, some that were "
    "forbidden may pass.",
    "Give the interfaces of all of the group's tunnels the same \"security_groups\"."};

inline constexpr const Message* config_messages[] = {&config_not_json,
                                                     &config_too_large,
                                                     &config_duplicate_key,
                                                     &config_unknown_key,
                                                     &config_wrong_type,
                                                     &config_missing_key,
                                                     &config_out_of_range,
                                                     &config_bad_address,
                                                     &config_bad_prefix,
                                                     &config_bad_name,
                                                     &config_duplicate,
                                                     &config_bad_proposal,
                                                     &config_legacy_proposal,
                                                     &config_psk_unreadable,
                                                     &config_psk_exposed,
                                                     &config_psk_length,
                                                     &config_bad_choice,
                                                     &config_route_outside_selectors,
                                                     &config_family_mismatch,
                                                     &config_bad_identity,
                                                     &config_bad_device,
                                                     &config_route_loop,
                                                     &config_too_many_errors,
                                                     &config_bad_private_key,
                                                     &config_bad_certificate,
                                                     &config_key_mismatch,
                                                     &config_not_certified,
                                                     &config_wrong_auth,
                                                     &config_proof_not_in_ikev1,
                                                     &config_not_in_ikev1,
                                                     &config_aggressive_without_v1,
                                                     &config_children_selectors,
                                                     &config_children_alike,
                                                     &config_any_peer,
                                                     &config_writable,
                                                     &config_key_log_directory,
                                                     &config_candidates_differ,
                                                     &config_no_route,
                                                     &config_route_beside,
                                                     &config_local_address_elsewhere,
                                                     &config_bgp_reserved_as,
                                                     &config_bgp_internal,
                                                     &config_bgp_inside_address,
                                                     &config_group_tunnel,
                                                     &config_group_asleep,
                                                     &config_group_weight,
                                                     &config_probe_unanswerable,
                                                     &config_probe_doubtful,
                                                     &config_vrf_unknown,
                                                     &config_group_over_vrfs,
                                                     &config_not_in_vrf,
                                                     &config_security_group_unknown,
                                                     &config_security_rules,
                                                     &config_security_rule_key,
                                                     &config_group_guards_differ};

}  // namespace sekisho::messages
