"""Outbound HTTP/1.1: connections, pool, proxies, replies. Knows no dialect and no provider; every failure is one GatewayError."""
