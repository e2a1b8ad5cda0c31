// The fuzz targets. Each takes any bytes, makes of them what a peer, a stranger or an operator could send, and aborts
// where something that must hold does not. script/fuzz runs them under libFuzzer; the replay test runs each over its
// corpus (tests/fuzz/corpus/NAME) in every build.
#pragma once

#include "base/bytes.h"

namespace sekisho::fuzz {

// The codec of IKEv2 and the negotiation of what it decodes. Returns whether the datagram was accepted.
bool ike_decode(ByteView datagram);
// The same of IKEv1; where the message is encrypted its body is taken as if it were clear.
bool ike_v1_decode(ByteView datagram);
// Datagrams of somebody who has no key, into an engine in any state: an established SA does not move.
void engine_stranger(ByteView script);
// Somebody who agreed on keys, as anybody can, and has no proof of who he is: he is not believed, and leaves nothing.
// Returns whether there was a half-open SA.
bool engine_newcomer(ByteView script);
// A peer that has authenticated and then sends what it likes, properly protected: nothing is leaked or piled up.
void engine_peer(ByteView script);
// What a peer sends as its certificates: none is accepted but those that the authority issued and did not revoke.
// Returns whether these were.
bool peer_certificates(ByteView script);
// Certificates, revocation lists and private keys in files.
void certificate_files(ByteView content);
// AlgorithmIdentifiers (RFC 7427), distinguished names, public keys and signatures.
void signatures(ByteView script);
// The same two of IKEv1. The stranger may come when certificates are awaited, with keys that anybody can agree on.
void engine_v1_stranger(ByteView script);
void engine_v1_peer(ByteView script);
// What FRR's zebra may send, of some release: its codec, the table of its routes, and where their gateways lead.
void zebra(ByteView script);
// A configuration's text.
void config(ByteView text);

}  // namespace sekisho::fuzz
