"""Where a request really comes from."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest

UNKNOWN = "0.0.0.0"  # a name for "no address", nothing listens here # noqa: S104 # nosec B104


def client_ip(request: HttpRequest) -> str:
    """Return the address of the client, never raising, whatever the headers say.

    X-Forwarded-For counts only when the peer is one of TRUSTED_PROXIES, and is read from the right: the first
    address that is not a trusted proxy is the client. Everything left of it can be made up by anybody.
    """
    peer = _address(request.META.get("REMOTE_ADDR", ""))
    if peer is None:
        return UNKNOWN
    hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    while _is_trusted(peer) and hops:
        hop = _address(hops.pop())
        if hop is None:
            break
        peer = hop
    return str(peer)


def household(address: str) -> str:
    """Return whom limits count as one: an IPv4 address, or the /64 that a single IPv6 customer has to himself."""
    return str(ipaddress.IPv6Network(f"{address}/64", strict=False)) if ":" in address else address


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    # A dual-stack proxy reports ::ffff:1.2.3.4; unwrapped, or every IPv4 client would share one IPv6 bucket.
    return getattr(address, "ipv4_mapped", None) or address


def _is_trusted(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return any(address in network for network in settings.TRUSTED_PROXIES)
