"""Starts the system on free ports, and sends it requests that Schemathesis generates from its OpenAPI document.

usage: drive.py PROGRAM EXAMPLES

Fails if a response is a server error or does not match the document.
"""

import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

# For each route there is one person who may call it: an expert, a client, and an administrator.
PEOPLE = ("ada", "alan", "margaret")
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
SERVERS = ("", "STRIPE_", "SIGN_IN_", "DATABASE_", "ECB_", "PAYPAL_")
SEED = "1"


def free_ports(count):
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def send(method, url, body=None, **headers):
    headers = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=10) as response:
        return json.load(response)


def wait_for(url, process, seconds):
    end = time.monotonic() + seconds
    while True:
        try:
            return send("GET", url)
        except (OSError, urllib.error.URLError):
            if process.poll() is not None or time.monotonic() > end:
                raise
            time.sleep(0.1)


def populate(api, ada):
    """Publishes an expert who can be booked, so that requests can find slots."""
    authorization = {"Authorization": f"Bearer {ada}"}
    price = {"amount": 0, "currency": "EUR"}
    profile = {"name": "Ada", "headline": "x", "hourly_rate": price}
    expert = send("POST", f"{api}/v1/experts", profile, Idempotency_Key="1", **authorization)["id"]
    rules = {"time_zone": "UTC", "weekly": {"monday": [{"opens": "00:00", "closes": "24:00"}]}}
    send("PUT", f"{api}/v1/experts/{expert}/availability", rules, If_Match='"0"', **authorization)
    durations = [{"minutes": 60, "price": price}, {"minutes": 30}]
    terms = {"name": "x", "durations": durations, "step_minutes": 30}
    send("POST", f"{api}/v1/experts/{expert}/session-types", terms, Idempotency_Key="2", **authorization)


def main(program, examples):
    ports = dict(zip(SERVERS, free_ports(len(SERVERS))))
    api = f"http://127.0.0.1:{ports['']}"
    with tempfile.TemporaryDirectory() as folder:
        # All requests come from one address.
        environment = {**os.environ, "EXPERT_CONNECT_DATA": f"{folder}/data", "MAX_ATTEMPTS_PER_ADDRESS": "1000000"}
        environment |= {f"EXPERT_CONNECT_{server}PORT": str(port) for server, port in ports.items()}
        log = pathlib.Path(folder, "log")
        with log.open("w") as out:
            process = subprocess.Popen([program], env=environment, cwd=folder, stdout=out, stderr=out)
        try:
            wait_for(f"{api}/health", process, 60)
            tokens = {
                person: send("POST", f"http://127.0.0.1:{ports['SIGN_IN_']}/people/{person}/token")["access_token"]
                for person in PEOPLE
            }
            populate(api, tokens["ada"])
            failed = [person for person in PEOPLE if not passed(api, folder, tokens[person], person, examples)]
            alive = process.poll() is None
        except Exception:
            print(log.read_text()[-4000:], file=sys.stderr)
            raise
        finally:
            process.terminate()
            process.wait(timeout=30)
    if failed or not alive:
        sys.exit(f"failed as {', '.join(failed)}" if failed else "the system stopped")


def passed(api, folder, token, person, examples):
    print(f"schemathesis: as {person}", flush=True)
    command = [
        pathlib.Path(sys.executable).with_name("schemathesis"), "run", f"{api}/openapi.json",
        "--header", f"Authorization: Bearer {token}",
        "--checks", ",".join(CHECKS),
        "--max-examples", examples,
        "--seed", SEED,
        # The parser of Python fails with several threads (https://github.com/python/cpython/issues/106905).
        "--workers", "1",
        "--warnings", "off",
        "--no-color",
    ]
    # Schemathesis stores its findings in the working directory.
    return subprocess.run(command, cwd=folder).returncode == 0


if __name__ == "__main__":
    main(*sys.argv[1:])
