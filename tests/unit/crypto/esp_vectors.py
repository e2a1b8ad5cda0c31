#!/usr/bin/env python3
"""Prints the packets of esp_vectors.h as scapy makes them: python3 esp_vectors.py > esp_vectors.h

One packet a suite, without and with ESN. Keys are the bytes 1, 2, 3 ... as far as a suite needs them (cipher key, salt,
integrity key); SPI 0x01020304, sequence number 0x00000005_00000006; inside is an IPv4 UDP datagram. CBC's IV is the
bytes 0xa0 to 0xaf, a combined mode's the sequence number. scapy leaves the high half out of ESP's HMAC, so with ESN that ICV is
made here (RFC 4303 section 2.2.1).
"""
import hmac
import struct
import textwrap

from scapy.layers.inet import IP, UDP
from scapy.layers.ipsec import ESP, SecurityAssociation

SUITES = [
    ("aes128gcm16", "AES-GCM", 20, "NULL", 0),
    ("aes256gcm16", "AES-GCM", 36, "NULL", 0),
    ("chacha20poly1305", "CHACHA20-POLY1305", 36, "NULL", 0),
    ("aes128-sha1", "AES-CBC", 16, "HMAC-SHA1-96", 20),
    ("aes128-sha256", "AES-CBC", 16, "SHA2-256-128", 32),
    ("aes128-sha384", "AES-CBC", 16, "SHA2-384-192", 48),
    ("aes128-sha512", "AES-CBC", 16, "SHA2-512-256", 64),
    ("aes256-sha1", "AES-CBC", 32, "HMAC-SHA1-96", 20),
    ("aes256-sha256", "AES-CBC", 32, "SHA2-256-128", 32),
    ("aes256-sha384", "AES-CBC", 32, "SHA2-384-192", 48),
    ("aes256-sha512", "AES-CBC", 32, "SHA2-512-256", 64),
]
HASHES = {20: "sha1", 32: "sha256", 48: "sha384", 64: "sha512"}
HIGH, LOW = 5, 6
INNER = IP(src="10.1.0.1", dst="10.2.0.1", id=7) / UDP(sport=1000, dport=2000) / b"sekisho"


def packet(cipher, cipher_key, auth, auth_key, esn):
    material = bytes(range(1, 1 + cipher_key + auth_key))
    sa = SecurityAssociation(
        ESP, spi=0x01020304, seq_num=LOW, crypt_algo=cipher, crypt_key=material[:cipher_key],
        auth_algo=auth, auth_key=material[cipher_key:] or None, esn_en=esn, esn=HIGH,
        tunnel_header=IP(src="192.0.2.1", dst="192.0.2.2"))
    iv = bytes(range(0xA0, 0xB0))
    if auth == "NULL":
        iv = struct.pack("!II", HIGH if esn else 0, LOW)
    sealed = bytes(sa.encrypt(INNER, iv=iv)[ESP])
    if esn and auth != "NULL":
        length = sa.auth_algo.icv_size
        covered = sealed[:-length] + struct.pack("!I", HIGH)
        sealed = sealed[:-length] + hmac.new(material[cipher_key:], covered, HASHES[auth_key]).digest()[:length]
    return sealed


def main():
    print("// Written by esp_vectors.py (scapy); what the packets are is said there.")
    print("#pragma once\n")
    print("namespace sekisho::crypto {\n")
    print("struct EspVector {\n  const char* suite;\n  bool esn;\n  const char* packet;\n};\n")
    print(f'inline constexpr const char* esp_vector_inner = "{bytes(INNER).hex()}";')
    print("inline constexpr EspVector esp_vectors[] = {")
    for name, *parameters in SUITES:
        for esn in (False, True):
            lines = textwrap.wrap(packet(*parameters, esn).hex(), 110)
            print(f'    {{"{name}", {str(esn).lower()},')
            print("\n".join(f'     "{line}"' for line in lines) + "},")
    print("};\n\n}  // namespace sekisho::crypto")


main()
