"""Whether the service's address leads to the service, and what is there instead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import SplitResult, urlsplit

import httpx
from requests.utils import get_environ_proxies, select_proxy

from evalspan import trust
from evalspan.cli.doctor import port
from evalspan.cli.doctor.finding import Finding, ok, problem, warning

CHECK: Final = "endpoint"
_OTLP_PATHS: Final = ("/v1/traces", "/v1/logs", "/v1/metrics")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def endpoint(url: str) -> Iterator[Finding]:
    """The endpoint as a whole; a problem is the last finding."""
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        yield problem(CHECK, f"{url!r} is no base URL.", "Write it as http://HOST:4318 (EVALSPAN_ENDPOINT).")
        return
    doubled = next((path for path in _OTLP_PATHS if parts.path.rstrip("/").endswith(path)), "")
    if doubled:
        yield problem(
            CHECK,
            f"{url} names the path of one signal, which is added once more: {doubled}{doubled}.",
            f"EVALSPAN_ENDPOINT is a base URL: {url.rstrip('/').removesuffix(doubled)}",
        )
        return
    proxy = proxy_of(url)
    try:
        response = httpx.get(f"{url.rstrip('/')}/healthz", timeout=10, verify=trust.verify())
    except httpx.HTTPError as error:
        yield _unreachable(url, parts, proxy, error)
        return
    finding = _answered(url, response)
    if proxy and finding.state == "problem":
        finding = _behind_proxy(url, proxy, finding.message)
    elif proxy:
        yield warning(
            "proxy", f"Calls to {parts.hostname} go through {proxy}.", "NO_PROXY leaves a host out of it."
        )
    yield finding


def proxy_of(url: str) -> str:
    """The proxy that the environment puts before a URL, or ''."""
    return select_proxy(url, get_environ_proxies(url)) or ""


def port_of(parts: SplitResult) -> int:
    return parts.port or _DEFAULT_PORTS.get(parts.scheme, 80)


def _answered(url: str, response: httpx.Response) -> Finding:
    if response.status_code == 200 and response.text.replace(" ", "") == '{"status":"ok"}':
        return ok(CHECK, f"{url} answers in {response.elapsed.total_seconds() * 1000:.0f} ms.")
    if response.is_redirect:
        place = response.headers.get("location", "")
        return problem(CHECK, f"{url} redirects to {place}.", "Name the place itself in EVALSPAN_ENDPOINT.")
    told = f"{url}/healthz answers {response.status_code}, as evalspan does not"
    if _takes_otlp(url):
        return problem(
            CHECK,
            f"{told}: an OTLP receiver is there, perhaps a Collector.",
            "EVALSPAN_ENDPOINT is for the service; a Collector's address is OTEL_EXPORTER_OTLP_ENDPOINT.",
        )
    return problem(CHECK, f"{told}.", "Another server has this port, or the path is wrong.")


def _takes_otlp(url: str) -> bool:
    try:
        return (
            httpx.post(f"{url.rstrip('/')}/v1/traces", json={}, timeout=5, verify=trust.verify()).status_code
            == 200
        )
    except httpx.HTTPError:
        return False


def _unreachable(url: str, parts: SplitResult, proxy: str, error: httpx.HTTPError) -> Finding:
    if proxy:
        return _behind_proxy(url, proxy, f"No answer from {url}: {error}.")
    host = parts.hostname or ""
    speech = port.spoken(host, port_of(parts))
    if speech == "grpc":
        return problem(
            CHECK,
            f"{url} speaks gRPC (HTTP/2); this is the port of OTLP/gRPC.",
            "EVALSPAN_ENDPOINT wants the HTTP port, 4318 where nothing else was said.",
        )
    if speech == "tls" and parts.scheme == "http":
        return problem(
            CHECK, f"{url} speaks TLS.", f"Write https://{parts.netloc}{parts.path} in EVALSPAN_ENDPOINT."
        )
    if speech == "http" and parts.scheme == "https":
        return problem(
            CHECK,
            f"{url} speaks plain HTTP.",
            f"Write http://{parts.netloc}{parts.path} in EVALSPAN_ENDPOINT.",
        )
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return problem(
            CHECK,
            f"The certificate of {url} is not trusted here: {error}.",
            "Name its authority in SSL_CERT_FILE, REQUESTS_CA_BUNDLE and OTEL_EXPORTER_OTLP_CERTIFICATE.",
        )
    advice = "Does it run (`evalspan serve`), and under this host and port?"
    return problem(CHECK, f"Nothing answers at {url}: {error}.", advice)


def _behind_proxy(url: str, proxy: str, told: str) -> Finding:
    try:
        httpx.get(f"{url.rstrip('/')}/healthz", timeout=5, trust_env=False, verify=trust.verify())
        direct = "without it the service answers."
    except httpx.HTTPError:
        direct = "without it nothing answers either."
    host = urlsplit(url).hostname
    return problem(
        "proxy",
        f"{told} The environment sends calls to {host} through the proxy {proxy}; {direct}",
        f"Add {host} to NO_PROXY.",
    )
