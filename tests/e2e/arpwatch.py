"""Asks who has an address, again and again, and tells when more than one machine answers the same question.

Each question is asked by another address, so that every answer tells which question it belongs to. Prints a JSON list
a line: ["owner", at, mac] when another machine answers, ["two", at, macs] when several do. Times are seconds of
CLOCK_MONOTONIC. Run in the client's namespace: `python arpwatch.py ADDRESS INTERFACE`.
"""

from __future__ import annotations

import json
import select
import signal
import socket
import struct
import sys
import time


PERIOD_S = 0.1
ARP = 0x0806
ETHERNET_IPV4 = struct.pack("!HHBB", 1, 0x0800, 6, 4)
REQUEST, REPLY = 1, 2
ASKERS = range(101, 200)
BROADCAST = b"\xff" * 6


def main(address: str, interface: str) -> None:
    wanted = socket.inet_aton(address)
    net = wanted[:3]
    answers: dict[int, set[bytes]] = {}
    owner = b""
    number = 0
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ARP)) as wire:
        wire.bind((interface, ARP))
        own = wire.getsockname()[4]
        due = time.monotonic()
        while True:
            now = time.monotonic()
            if now >= due:
                due = now + PERIOD_S
                number += 1
                asker = ASKERS[number % len(ASKERS)]
                answers[asker] = set()
                question = own + net + bytes([asker]) + bytes(6) + wanted
                wire.send(
                    BROADCAST + own + struct.pack("!H", ARP) + ETHERNET_IPV4 + struct.pack("!H", REQUEST) + question
                )
            if not select.select([wire], [], [], max(0.0, due - time.monotonic()))[0]:
                continue
            frame = wire.recv(2_048)
            kind, sender, said = frame[20:22], frame[22:28], frame[28:32]
            asked, asker = frame[38:41], frame[41]
            if kind != struct.pack("!H", REPLY) or said != wanted or asked != net or asker not in answers:
                continue
            answers[asker].add(sender)
            if len(answers[asker]) > 1:
                tell("two", sorted(mac.hex(":") for mac in answers[asker]))
            if sender != owner:
                owner = sender
                tell("owner", sender.hex(":"))


def tell(kind: str, what: object) -> None:
    print(json.dumps([kind, time.monotonic(), what]), flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    main(sys.argv[1], sys.argv[2])
