"""Prints the keys in a log of strongSwan (levels 4 of `ike` and `chd`), one a line: KIND-NUMBER=HEX.

KIND is esp (encryption and integrity keys of child SAs) or ike (SK_d, SK_ei, SK_pi, ...). Keys of AES-GCM are followed by
a salt of four octets, which others may keep elsewhere: it is left off.
"""
import re
import sys


def keys(log):
    name = None
    for line in open(log, errors="replace"):
        text = re.sub(r"^.*?\[(CHD|IKE)\] ", "", line.rstrip("\n"))
        if start := re.match(r"(encryption|integrity) (initiator|responder) key =>|(Sk_\w+ secret|SKEYSEED) =>", text):
            if name:
                yield name
            name = ["esp" if start.group(1) else "ike", b""]
        elif name and (octets := re.match(r" *\d+: ((?:[0-9A-F]{2} )+) ", text)):
            name[1] += bytes.fromhex(octets.group(1))
        elif name:
            yield name
            name = None


def main():
    for number, (kind, octets) in enumerate(keys(sys.argv[1])):
        key = octets[:-4] if len(octets) in (20, 36) else octets
        print(f"{kind}-{number}={key.hex()}")


if __name__ == "__main__":
    main()
