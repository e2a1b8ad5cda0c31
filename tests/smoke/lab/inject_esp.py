"""Sends ESP packets that must be dropped, made from a captured one; run it in the `net` namespace.

inject_esp.py PCAP INTERFACE VICTIM KIND COUNT

The packet is the last ESP packet to VICTIM in PCAP, plain or UDP-encapsulated. KIND is one of:
  replayed     the packet itself
  corrupted    one bit of the ciphertext flipped, with a sequence number that the window has not seen
  truncated    cut within the ESP header, the IV or the ICV, a little more each time
  unknown-spi  another SPI
  wrong-source the right SPI from another address, corrupted

(IP fragments of ESP are for the unit tests: the kernel puts fragments together before it gives them to AF_PACKET.)
"""
import sys

from scapy.layers.inet import IP, UDP
from scapy.packet import Raw
from scapy.sendrecv import sendp
from scapy.utils import rdpcap


def esp_of(packet):
    return bytes(packet[UDP].payload) if UDP in packet else bytes(packet[IP].payload)


def is_esp(packet, victim):
    if IP not in packet or packet[IP].dst != victim:
        return False
    if UDP in packet:
        octets = bytes(packet[UDP].payload)
        return 4500 in (packet[UDP].sport, packet[UDP].dport) and len(octets) > 8 and octets[:4] != bytes(4)
    return packet[IP].proto == 50


def with_esp(frame, esp):
    """The frame with other ESP octets in it; lengths and checksums are made anew (the UDP checksum is zero)."""
    frame = frame.copy()
    ip = frame[IP]
    del ip.len, ip.chksum
    if UDP in ip:
        ip[UDP].remove_payload()
        ip[UDP].len = 8 + len(esp)
        ip[UDP].chksum = 0
        ip[UDP].add_payload(Raw(esp))
    else:
        ip.remove_payload()
        ip.add_payload(Raw(esp))
    return frame


def made(frame, kind, index):
    esp = bytearray(esp_of(frame))
    unseen = (int.from_bytes(esp[4:8], "big") + 1000 + index).to_bytes(4, "big")
    if kind == "replayed":
        return frame
    if kind == "unknown-spi":
        esp[0] ^= 0x55
    elif kind in ("corrupted", "wrong-source"):
        esp[4:8] = unseen
        esp[20 + index % (len(esp) - 20)] ^= 1 << index % 8
    elif kind == "truncated":
        esp[4:8] = unseen
        del esp[8 + index % 20:]
    frame = with_esp(frame, bytes(esp))
    if kind == "wrong-source":
        frame[IP].src = "10.9.2.99"
    return frame


def main():
    capture, interface, victim, kind, count = sys.argv[1:]
    frame = [packet for packet in rdpcap(capture) if is_esp(packet, victim)][-1]
    sendp([made(frame, kind, index) for index in range(int(count))], iface=interface, verbose=False, inter=0.001)


if __name__ == "__main__":
    main()
