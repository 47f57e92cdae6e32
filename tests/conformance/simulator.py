"""What the Python checks share: the simulators' control API, and checks that say what was expected."""

import json
import os
import urllib.request

BIGCOMMERCE, BRIGHTPEARL = os.environ["SIMULATED_BIGCOMMERCE"], os.environ["SIMULATED_BRIGHTPEARL"]
# The control API is not what is tested: it is asked without the proxy that the clients go through.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
CHECKS = []


def control(base: str, method: str, path: str, body: dict | None = None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{base}/_sim/{path}", data=data, method=method)
    with OPENER.open(request, timeout=30) as answer:
        content = answer.read()
    return json.loads(content) if content else None


def check(what: str, found: object, expected: object) -> None:
    CHECKS.append(what)
    if found != expected:
        raise SystemExit(f"FAILED: {what}: found {found!r}, expected {expected!r}")


def check_that(what: str, holds: bool, seen: object = "") -> None:
    CHECKS.append(what)
    if not holds:
        raise SystemExit(f"FAILED: {what}; seen: {seen!r}")


def raised(error: type[Exception], action, *arguments, **named) -> Exception:
    """The error that an action must end with."""
    try:
        found = action(*arguments, **named)
    except error as caught:
        return caught
    raise SystemExit(f"FAILED: {error.__name__} was expected, but {action} answered {found!r}")


def done(client: str) -> None:
    print(f"{client}: {len(CHECKS)} checks passed")
