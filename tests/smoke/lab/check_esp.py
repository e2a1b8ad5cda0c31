"""Checks captured ESP (protocol 50) against scapy's own implementation of it.

check_esp.py CHARON_LOG WIRE_PCAP HOST_PCAP SUITE

The keys of the last child SA are taken from the log of a strongSwan that initiated it (log level 4 of `chd`). Every ESP
packet of WIRE_PCAP, both directions, must open under them; sealing what was inside with the same IV and sequence number
must give the same octets again; and the inner packets must be those of HOST_PCAP (taken on the left host's link), each
one hop further.
"""
import collections
import re
import sys

from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.layers.ipsec import ESP, SecurityAssociation
from scapy.utils import rdpcap

# Name in the configuration -> scapy's encryption, its IV's length, scapy's integrity.
INTEGRITY = {"sha1": "HMAC-SHA1-96", "sha256": "SHA2-256-128", "sha384": "SHA2-384-192", "sha512": "SHA2-512-256"}


def algorithms(suite):
    if "gcm" in suite:
        return {"crypt_algo": "AES-GCM"}, 8
    if suite == "chacha20poly1305":
        return {"crypt_algo": "CHACHA20-POLY1305"}, 8
    return {"crypt_algo": "AES-CBC", "auth_algo": INTEGRITY[suite.split("-")[1]]}, 16


def keys_of_last_child(log):
    """{"encryption initiator": octets, ...} and the inbound and outbound SPI, as strongSwan sees them."""
    keys, spis, target = {}, [], None
    for line in open(log, errors="replace"):
        text = re.sub(r"^.*?\[CHD\] ", "", line.rstrip("\n"))
        if name := re.match(r"(encryption|integrity) (initiator|responder) key =>", text):
            if name.group(1) == "encryption" and name.group(2) == "initiator":
                keys, spis = {}, []
            target = " ".join(name.groups())
            keys[target] = b""
        elif target and (octets := re.match(r" *\d+: ((?:[0-9A-F]{2} )+) ", text)):
            keys[target] += bytes.fromhex(octets.group(1))
        else:
            target = None
            if spi := re.match(r" +SPI 0x([0-9a-f]+), src", text):
                spis.append(int(spi.group(1), 16))
    return keys, spis[0], spis[1]


def association(spi, role, keys, suite):
    names, _ = algorithms(suite)
    if "auth_algo" in names:
        names["auth_key"] = keys["integrity " + role]
    return SecurityAssociation(ESP, spi=spi, crypt_key=keys["encryption " + role], tunnel_header=IP(), **names)


def one_hop_further(packet):
    packet = packet.copy()
    if IPv6 in packet:
        packet.hlim -= 1
    else:
        packet.ttl -= 1
        del packet.chksum
    return bytes(packet)


def host_packets(capture):
    """What left the host, one hop further, and what reached it."""
    sent, received = collections.Counter(), collections.Counter()
    for frame in rdpcap(capture):
        packet = frame[IPv6] if IPv6 in frame else frame[IP]
        if packet.src in ("10.1.0.2", "fd00:1::2") and packet.dst in ("10.2.0.2", "fd00:2::2"):
            sent[one_hop_further(packet)] += 1
        elif packet.dst in ("10.1.0.2", "fd00:1::2") and packet.src in ("10.2.0.2", "fd00:2::2"):
            received[bytes(packet)] += 1
    return sent, received


def main():
    log, wire, host, suite = sys.argv[1:]
    keys, inbound, outbound = keys_of_last_child(log)
    # strongSwan initiated: what it sends is under the initiator's keys, what Sekisho sends under the responder's.
    associations = {outbound: association(outbound, "initiator", keys, suite),
                    inbound: association(inbound, "responder", keys, suite)}
    _, iv_length = algorithms(suite)
    inner = {inbound: collections.Counter(), outbound: collections.Counter()}
    for frame in rdpcap(wire):
        outer = frame[IP]
        esp = outer[ESP]
        sa = associations[esp.spi]
        opened = sa.decrypt(IP(bytes(outer)))
        if esp.spi == inbound:
            sa.tunnel_header = IP(src=outer.src, dst=outer.dst)
            sealed = sa.encrypt(opened, seq_num=esp.seq, iv=bytes(esp.data)[:iv_length])
            assert bytes(sealed[ESP]) == bytes(esp), f"sealed otherwise: {bytes(esp).hex()}"
            inner[inbound][bytes(opened)] += 1
        else:
            inner[outbound][one_hop_further(opened)] += 1
    sent, received = host_packets(host)
    assert sent and received, "the host's capture is empty"
    assert inner[inbound] == sent, "what left the host is not what travelled"
    assert inner[outbound] == received, "what reached the host is not what travelled"
    print(f"{suite}: {sum(sent.values())} packets out and {sum(received.values())} in agree")


if __name__ == "__main__":
    main()
