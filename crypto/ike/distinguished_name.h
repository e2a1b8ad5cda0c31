// X.501 names in DER, as they stand in certificates and in identities of type ID_DER_ASN1_DN (RFC 7296 section 3.5).
#pragma once

#include <openssl/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace sekisho::crypto {

// "C=JP, O=Example\, Inc., CN=gw.example.net" in the order of the encoding. Special characters after a backslash as in
// RFC 4514, or the whole value in quotes; values in UTF-8. Nothing where the text is no such name, has an unknown
// attribute or an RDN of several attributes. Values become PrintableString or UTF8String by attribute.
std::optional<Bytes> encode_distinguished_name(std::string_view text);

// The same form, cut where it is very long; printable whatever the name holds. Nothing where the octets are no name.
std::optional<std::string> distinguished_name_text(ByteView der);
std::string distinguished_name_text(const X509_NAME* name);

// RFC 5280 section 7.1: string types, letter case and repeated spaces make no difference. False for what is no name.
bool same_distinguished_name(ByteView a, ByteView b);
// Equal for names that are the same. Nothing for what is no name.
std::optional<uint32_t> distinguished_name_hash(ByteView der);

}  // namespace sekisho::crypto
