// CBC without padding and without integrity (RFC 2451, RFC 3602): what IKEv1 protects its messages with, whose hash
// payloads stand within the ciphertext (RFC 2409 appendix B). IKEv2 has no use for it; see sk_cipher.h.
#pragma once

#include "base/secret_bytes.h"
#include "crypto/ike/algorithms.h"

namespace sekisho::crypto {

// AES-CBC (the key is 16, 24 or 32 bytes long) or 3DES-CBC (24 bytes); no other id is a block cipher.
size_t cbc_block_length(EncryptionId id);
// `text` is a whole number of blocks, `iv` is one; throws std::invalid_argument where they are not. The result is as
// long as `text`.
Bytes cbc_encrypt(EncryptionId id, const SecretBytes& key, ByteView iv, ByteView text);
Bytes cbc_decrypt(EncryptionId id, const SecretBytes& key, ByteView iv, ByteView text);

}  // namespace sekisho::crypto
