"""Addresses of hosts, as people write them."""

from __future__ import annotations

from ipaddress import ip_address


def is_address(text: str) -> bool:
    """Is this an IPv4 or IPv6 address, without a zone?"""
    try:
        ip_address(text)
    except ValueError:
        return False
    return "%" not in text
