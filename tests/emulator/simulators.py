"""The simulators of Stripe, PayPal, the OpenID Connect issuer and the European Central Bank: `expert-connect simulators`."""

import json
import socket
import urllib.request

from aws import Process


def free_ports(count):
    """The first of `count` consecutive free ports."""
    while True:
        probes = []
        try:
            probes.append(socket.create_server(("127.0.0.1", 0)))
            first = probes[0].getsockname()[1]
            for port in range(first + 1, first + count):
                probes.append(socket.create_server(("127.0.0.1", port)))
            return first
        except (OSError, OverflowError):
            continue
        finally:
            for probe in probes:
                probe.close()


def request_json(method, url, body=None, **headers):
    data = None if body is None else json.dumps(body).encode()
    headers = {"Accept": "application/json", "Content-Type": "application/json", **headers}
    request = urllib.request.Request(url, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


class Simulators:
    audience = "expert-connect-local"
    expert = "ada"
    client = "alan"
    administrator = "margaret"
    stripe_key = "sk_test_local"
    stripe_webhook_secret = "whsec_local"

    def __init__(self, folder, program):
        self.folder = folder
        self.program = program
        self.port = free_ports(4)
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.stripe = f"http://127.0.0.1:{self.port + 1}/"
        self.bank = f"http://127.0.0.1:{self.port + 2}/"
        self.rates = f"{self.bank}stats/eurofxref/eurofxref-daily.xml"
        self.process = None

    def start(self, webhook_url):
        command = [self.program, "simulators", "--port-base", str(self.port), "--webhook-url", webhook_url]
        self.process = Process(command, self.folder / "simulators.log", cwd=self.folder)
        self.process.wait_for(f"{self.issuer}/.well-known/openid-configuration", 30)
        self.process.wait_for(f"{self.stripe}_simulator/faults", 30)
        self.process.wait_for(self.rates, 30)

    def token(self, person):
        """An access token for a person whom the simulated issuer knows."""
        return request_json("POST", f"{self.issuer}/people/{person}/token")["access_token"]

    def onboard(self, account):
        """Completes an expert's onboarding, as Stripe's hosted pages would."""
        request_json("POST", f"{self.stripe}_simulator/onboard/{account}", {"outcome": "complete"})

    def pay(self, intent):
        """Pays an intent with a test card, as the client's browser would."""
        return request_json("POST", f"{self.stripe}_simulator/pay/{intent}", {"card_number": "4242424242424242"})

    def intent(self, intent):
        return request_json("GET", f"{self.stripe}v1/payment_intents/{intent}", Authorization=f"Bearer {self.stripe_key}")

    def balances(self):
        return request_json("GET", f"{self.stripe}_simulator/balances")

    def balance(self, owner):
        """The balance of an account, in minor units of the journey's only currency."""
        return sum(balance["amount"] for balance in self.balances() if balance["owner"] == owner)

    def stop(self):
        if self.process:
            self.process.stop()
