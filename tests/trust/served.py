"""Requests drawn from the service's own description, where one answer leads to the next (schemathesis).

    python tests/trust/served.py DATABASE --seconds 120 --seed 1

Serves the database in a process of its own and prints the counts as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import Any

import httpx2
import schemathesis
from counts import Counts
from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded
from hypothesis.errors import FlakyStrategyDefinition
from hypothesis.stateful import run_state_machine_as_test

LONGEST_ADDRESS = 60_000
"""Length of an address, in characters, from which a server may close the connection instead of answering."""
SLOW_S = 90.0
"""Seconds for one answer, above which it counts as hung: a query may take 30 s, and waits for others before."""
STEPS = 8
LINKS = {
    ("post", "/api/labels"): {
        "undo": {
            "operationId": ("delete", "/api/labels/{act}"),
            "parameters": {"act": "$response.body#/act"},
        },
    },
    ("post", "/api/exports"): {
        "state": {"operationId": ("get", "/api/jobs/{job}"), "parameters": {"job": "$response.body#/job"}},
        "cancel": {
            "operationId": ("post", "/api/jobs/{job}/cancel"),
            "parameters": {"job": "$response.body#/job"},
        },
    },
    ("get", "/api/labels"): {
        "undo": {
            "operationId": ("delete", "/api/labels/{act}"),
            "parameters": {"act": "$response.body#/acts/0/act"},
        },
    },
}
"""Links beyond those that schemathesis finds by itself: an act is taken back, an export is looked at and stopped."""


def main() -> None:
    """Serve, ask until the time is over, and print what was found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("database")
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    counts, statuses = Counts(), Counter[str]()
    with tempfile.TemporaryFile("w+") as log:
        with _service(wanted.database, log, counts) as address:
            told = httpx2.get(f"{address}/api/openapi.json", timeout=60).json()
            operations = _ask(address, told, wanted.seconds, wanted.seed, counts, statuses)
        log.seek(0)
        text = log.read()
        if "Traceback (most recent call last)" in text:
            counts.add("tracebacks", f"the service printed: {text[text.index('Traceback') :][:1500]}")
    asked = {f"operations of {operations}": len({name.split(" -> ")[0] for name in statuses})}
    codes = Counter(name.split(" -> ")[1] for name in statuses.elements())
    print(json.dumps(asdict(counts) | asked | {"statuses": dict(sorted(codes.items()))}))


def _ask(
    address: str, told: dict[str, Any], seconds: float, seed: int, counts: Counts, statuses: Counter[str]
) -> int:
    """Run the state machine again and again; return how many operations the service has."""
    for (method, path), links in LINKS.items():
        for link in links.values():
            to_method, to_path = link["operationId"]
            link["operationId"] = told["paths"][to_path][to_method]["operationId"]
        told["paths"][path][method]["responses"]["200"]["links"] = links
    schema = schemathesis.openapi.from_dict(told).exclude(path_regex="/events$")
    until = time.monotonic() + seconds

    class Visitor(schema.as_state_machine()):  # type: ignore[misc]
        """Follows links, and notes what is wrong instead of stopping there."""

        def get_call_kwargs(self, case: schemathesis.Case[Any]) -> dict[str, Any]:
            return {"base_url": address, "timeout": SLOW_S}

        def validate_response(self, response: Any, case: schemathesis.Case[Any], **_: Any) -> None:
            counts.tried += 1
            name = f"{case.method} {case.operation.path}"
            statuses[f"{name} -> {response.status_code}"] += 1
            is_json = "json" in response.headers.get("content-type", [""])[0]
            if response.status_code >= 500 and response.status_code != 503:
                counts.add("tracebacks", f"{case.as_curl_command()}: {response.content[:500]!r}")
            elif response.status_code >= 400 and not (is_json and response.json()["error"]["message"]):
                counts.add("tracebacks", f"{case.as_curl_command()}: an error without a message")
            if b"root:x:0" in response.content:
                counts.add("out", case.as_curl_command())

        def step(self, input: Any) -> Any:  # noqa: A002 (its name in schemathesis)
            try:
                return super().step(input)
            except Exception as error:
                if "reset by peer" in str(error) and len(input.case.as_curl_command()) > LONGEST_ADDRESS:
                    statuses[f"{input.case.method} {input.case.operation.path} -> closed"] += 1
                    return None
                if "imed out" not in str(error) and "imeout" not in type(error).__name__:
                    raise
                counts.add("hung", f"{input.case.as_curl_command()}")
                return None

    number = 0
    while time.monotonic() < until:
        number += 1
        config = settings(
            max_examples=5,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        seeded(seed * 10_000 + number)(Visitor)
        # The answers of a service change, and what is drawn follows the links in them: a run that hypothesis cannot
        # repeat ends early.
        with suppress(FlakyStrategyDefinition):
            run_state_machine_as_test(Visitor, settings=config)
    return sum(1 for _ in schema.get_all_operations())


@contextmanager
def _service(database: str, log: Any, counts: Counts) -> Iterator[str]:
    command = [sys.executable, "-m", "animeds_db", "serve", "--port", "0", "--db", database]
    environ = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    with subprocess.Popen(command, stderr=log, stdout=log, env=environ) as process:
        address = ""
        while not address:
            if process.poll() is not None:
                raise RuntimeError("the service did not start")
            time.sleep(0.1)
            log.seek(0)
            address = next((word for word in log.read().split() if word.startswith("http://")), "").rstrip(
                "/"
            )
        try:
            yield address
            if httpx2.get(f"{address}/api/count", timeout=SLOW_S).status_code != 200:
                counts.add("hung", "the service does not answer afterwards")
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                counts.add("hung", "Ctrl-C does not end the service")
                process.kill()


if __name__ == "__main__":
    main()
