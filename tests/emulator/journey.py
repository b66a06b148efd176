"""A booking from the expert's first request to the refund, through the release binaries on a local AWS.

usage: journey.py BOOTSTRAPS PROGRAM

BOOTSTRAPS is a folder with `<area>/bootstrap` for each area, PROGRAM is `expert-connect`. `run` builds both.
"""

import json
import pathlib
import platform
import shutil
import signal
import sys
import urllib.error
import urllib.request
import uuid
from datetime import datetime, timedelta, timezone

import template as templates
from aws import LocalAws, until
from simulators import Simulators

ROOT = pathlib.Path(__file__).resolve().parents[2]
STACK = "expert-connect"

checked = 0


def check(what, holds, seen=None):
    """Prints what is checked, and ends the journey when it does not hold."""
    global checked
    if not holds:
        raise AssertionError(f"does not hold: {what}; seen: {seen!r}")
    checked += 1
    print(f"  ok  {what}", flush=True)


class Response:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body
        self.json = json.loads(body) if body and "json" in (headers.get("Content-Type") or "") else None

    def __repr__(self):
        return f"{self.status} {self.json}"


class Caller:
    """A caller of the API, signed in when it has a token."""

    def __init__(self, url, token=None):
        self.url = url
        self.token = token

    def __call__(self, method, path, body=None, expect=200, **headers):
        sent = {"Content-Type": "application/json"} if body is not None else {}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if method == "POST":
            sent["Idempotency-Key"] = str(uuid.uuid4())
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=40) as response:
                response = Response(response.status, response.headers, response.read())
        except urllib.error.HTTPError as error:
            response = Response(error.code, error.headers, error.read())
        if response.status != expect:
            raise AssertionError(f"{method} {path}: expected {expect}, got {response}")
        return response


def main(bootstraps, program):
    folder = bootstraps.parent / "emulator"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    template = templates.read(ROOT / "template.yaml")
    built = {name: bootstraps / name / "bootstrap" for name in templates.binaries(template).values()}
    missing = [name for name, path in built.items() if not path.is_file()]
    if missing:
        sys.exit(f"not built: {', '.join(sorted(missing))}")

    # So that SIGTERM, too, stops the processes that are started below.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("emulator: terminated"))
    aws = LocalAws(folder)
    simulators = Simulators(folder, program)
    try:
        aws.start()
        aws.upload(built)
        outputs, resources = aws.deploy(
            STACK,
            template,
            {
                "Architecture": "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64",
                "EcbRatesUrl": simulators.rates,
                "HoldMinutes": "1",
                "JwtAudience": simulators.audience,
                "JwtIssuer": simulators.issuer,
                "MaxOpenHolds": "3",
                "MaxOpenHoldsPerExpert": "3",
                "PublicBaseUrl": "http://127.0.0.1:8080",
                "StripeApiBase": simulators.stripe,
                "UserInfoUrl": f"{simulators.issuer}/oauth2/userInfo",
            },
        )
        print(f"emulator: {len(resources)} resources deployed", flush=True)
        walk(aws, simulators, outputs, resources, templates.handlers(template))
    except BaseException:
        report(aws, simulators)
        raise
    finally:
        simulators.stop()
        aws.stop()
    print(f"emulator: {checked} checks passed")


def walk(aws, simulators, outputs, resources, functions):
    url = aws.api_url(resources)
    keys = {"secret_key": simulators.stripe_key, "webhook_secret": simulators.stripe_webhook_secret}
    aws.client("secretsmanager").put_secret_value(SecretId=outputs["StripeSecretArn"], SecretString=json.dumps(keys))
    simulators.start(webhook_url=f"{url}/v1/webhooks/stripe")
    integrator = Integrator(aws, outputs["EventBusName"])
    ada_token, alan_token = simulators.token(simulators.expert), simulators.token(simulators.client)
    anybody, ada, alan = Caller(url), Caller(url, ada_token), Caller(url, alan_token)
    margaret = Caller(url, simulators.token(simulators.administrator))

    print("who may call", flush=True)
    check("health is public", anybody("GET", "/health").json["status"] == "ok")
    check("the OpenAPI document is public", anybody("GET", "/openapi.json").json["openapi"].startswith("3.1"))
    anybody("GET", "/v1/appointments?as=client", expect=401)
    Caller(url, "no.such.token")("GET", "/v1/appointments?as=client", expect=401)
    Caller(url, f"{ada_token[:-8]}AAAAAAAA")("GET", "/v1/appointments?as=client", expect=401)
    check("requests without a token, or with a forged one, are refused", True)
    alan("POST", "/v1/experts", {"name": "Alan", "headline": "Not an expert"}, expect=403)
    check("a client may not create an expert", True)
    anybody("POST", "/v1/webhooks/stripe", {"id": "evt_1"}, expect=400, Stripe_Signature="t=1,v1=00")
    check("an event that Stripe did not sign is refused", True)

    print("a person signs in", flush=True)
    me = alan("GET", "/v1/me")
    check("the issuer's verified email is kept", me.json["email"] == "alan@example.org", me)
    chosen = {"language": "de", "time_zone": "Europe/Berlin", "phone": "+493012345678"}
    me = alan("PUT", "/v1/me", chosen, If_Match=me.headers["ETag"]).json
    check("language, time zone and phone are the person's choice", chosen.items() <= me.items(), me)

    print("an expert prepares", flush=True)
    profile = {"name": "Ada", "headline": "Analytical engines"}
    expert = ada("POST", "/v1/experts", profile, expect=201).json["id"]
    mine = f"/v1/experts/{expert}"
    rate = {"amount": 8_000, "currency": "EUR"}
    ada("PUT", mine, {**profile, "about": "Since 1843.", "hourly_rate": rate}, If_Match='"1"')
    check("the profile is public", anybody("GET", mine).json["about"] == "Since 1843.")
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    hours = {"time_zone": "Europe/Berlin", "weekly": {day: [{"opens": "00:00", "closes": "24:00"}] for day in days}}
    ada("PUT", f"{mine}/availability", hours, If_Match='"0"')
    check("the hours are stored", ada("GET", f"{mine}/availability").json["weekly"] == hours["weekly"])
    terms = {
        "name": "An hour",
        "durations": [{"minutes": 60, "price": {"amount": 10_000, "currency": "EUR"}}, {"minutes": 45}],
        "step_minutes": 60,
    }
    offers = f"{mine}/session-types"
    hour, other = (ada("POST", offers, terms, expect=201).json["id"] for _ in range(2))
    ada("PUT", f"{offers}/{hour}", {**terms, "name": "One hour"}, If_Match='"1"')
    ada("DELETE", f"{offers}/{other}", If_Match='"1"')
    derived = anybody("GET", f"{offers}/{hour}").json["durations"][1]
    check("a price is derived from the hourly rate", derived["derived"] and derived["price"]["amount"] == 6_000, derived)
    check("a withdrawn session type can be read", anybody("GET", f"{offers}/{other}").json["status"] == "retired")
    ada("POST", f"{offers}/{other}/offer-again", If_Match='"2"')
    check("it can be offered again", anybody("GET", f"{offers}/{other}").json["status"] == "active")
    ada("DELETE", f"{offers}/{other}", If_Match='"3"')
    offered = json.dumps(anybody("GET", offers).json)
    own = {offered["id"]: offered["status"] for offered in ada("GET", f"{mine}/profile/session-types?status=all").json["session_types"]}
    check("the expert lists all session types", own == {hour: "active", other: "retired"}, own)
    check("the offered session types are public", hour in offered and "One hour" in offered and other not in offered, offered)
    # The schedule fetches the rates only once an hour.
    aws.client("lambda").invoke(FunctionName=resources["FetchExchangeRates"], Payload=b"{}")
    rates = anybody("GET", "/v1/exchange-rates").json
    estimate = anybody("GET", f"{offers}?currency=USD").json["session_types"][0]["durations"][0]["estimate"]
    check("prices are estimated at the published rates", estimate["rate_date"] == rates["date"], (estimate, rates))
    role = {"role": "assistant", "name": "Alan"}
    invitation, other = (ada("POST", f"{mine}/invitations", role, expect=201).json for _ in range(2))
    check("an invitation can be read", ada("GET", f"{mine}/invitations/{other['id']}").json["name"] == "Alan")
    ada("DELETE", f"{mine}/invitations/{other['id']}", expect=204)
    secret = {"secret": invitation["secret"]}
    member = alan("POST", f"{mine}/invitations/{invitation['id']}/acceptance", secret).json["person_id"]
    check("a member sees for whom they act", alan("GET", "/v1/me/memberships").json["memberships"][0]["expert_id"] == expert)
    ada("PUT", f"{mine}/members/{member}", {**role, "role": "manager"}, If_Match='"1"')
    check("a member can get another role", ada("GET", f"{mine}/members").json["members"][0]["role"] == "manager")
    ada("DELETE", f"{mine}/members/{member}", expect=204, If_Match='"2"')
    check("a member is removed", ada("GET", f"{mine}/members").json["members"] == [])
    fee = margaret("GET", f"{mine}/terms")
    margaret("PUT", f"{mine}/terms", {"basis_points": 1_000}, If_Match=fee.headers["ETag"])
    details = {"legal_name": "Ada Lovelace", "address": ["12 St James's Square"], "country": "GB"}
    ada("PUT", f"{mine}/billing", details, If_Match='"0"')
    check("billing details are stored", ada("GET", f"{mine}/billing").json["legal_name"] == "Ada Lovelace")
    page = ada("POST", f"{mine}/payment-accounts/stripe/onboarding", expect=201).json["url"]
    check("Stripe's onboarding starts", page.startswith(simulators.stripe), page)
    account = ada("GET", f"{mine}/payment-accounts/stripe").json
    check("before it ends, the expert cannot receive payments", account["charges_enabled"] is False, account)
    simulators.onboard(account["account"])
    account = ada("GET", f"{mine}/payment-accounts/stripe").json
    check("afterwards, the expert can", account["charges_enabled"] is True, account)

    print("a client books, pays, moves and cancels", flush=True)
    midnight = datetime.now(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    first, last = (f"{midnight + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}" for days in (2, 4))
    wanted = f"{mine}/slots?session_type_id={hour}&duration_minutes=60&from={first}&to={last}&time_zone=Europe/Berlin"

    def slots():
        return [slot["start"] for slot in anybody("GET", wanted).json["slots"]]

    free = slots()
    check("two days have 48 slots", len(free) == 48, free)
    attendee = {"name": "Alan", "email": "alan@example.org", "time_zone": "Europe/Berlin"}

    def book(start, key, expect=201):
        request = {"expert_id": expert, "session_type_id": hour, "duration_minutes": 60, "start": start, "attendee": attendee}
        return alan("POST", "/v1/appointments", request, expect=expect, Idempotency_Key=key).json

    paid, unpaid = book(free[0], "first"), book(free[3], "second")
    check("a slot is held while its payment is pending", paid["status"] == "pending", paid)
    check("a repeated request books once", book(free[0], "first")["id"] == paid["id"])
    book(free[0], "third", expect=409)
    check("a second booking of the slot is refused", slots() == free[1:3] + free[4:], free)
    here, there = f"/v1/appointments/{paid['id']}", f"/v1/appointments/{unpaid['id']}"

    simulators.pay(paid["payment"]["intent"])
    until("confirmed", 30, lambda: alan("GET", here).json["status"] == "confirmed")
    check("Stripe's event confirms it, by webhook, queue and worker", True)
    check("the platform holds the money until after the session", simulators.balance(account["account"]) == 0, simulators.balances())
    how = alan("GET", f"{here}/payment").json
    check("the client sees what they paid", how["paid"] == {"amount": 10_000, "currency": "EUR"}, how)
    ada("POST", f"{here}/refunds", {"amount": {"amount": 1_000, "currency": "EUR"}}, expect=201)
    margaret("POST", f"{here}/payment/resolution", {"resolution": "try_again"}, expect=409)
    check("a payment that is not escalated cannot be resolved", True)

    def change(caller, action, body=None, expect=200):
        caller("POST", f"{here}/{action}", body, expect=expect, If_Match=caller("GET", here).headers["ETag"])

    change(alan, "reschedule", {"start": free[10]})
    check("it is rescheduled", slots() == free[:3] + free[4:10] + free[11:])
    quoted = alan("GET", f"{here}/reschedule?start={free[11]}").json
    check("a move at once is quoted", quoted["how"] == "at_once", quoted)
    change(ada, "proposal", {"starts": [free[11], free[12]], "message": "Later?"})
    check("the proposed times are held", slots() == free[:3] + free[4:10] + free[13:])
    change(alan, "proposal/decline")
    change(ada, "proposal", {"starts": [free[11]]})
    change(ada, "proposal/withdraw")
    change(alan, "proposal", {"starts": [free[12]]})
    change(ada, "proposal/accept", {"start": free[12]})
    check("the accepted time is booked", slots() == free[:3] + free[4:12] + free[13:])
    for side, caller in (("client", alan), ("expert", ada)):
        listed = [a["id"] for a in caller("GET", f"/v1/appointments?as={side}").json["appointments"]]
        check(f"it is on the {side}'s list", paid["id"] in listed, listed)
    for outcome in ("complete", "no-show", "no-show/objection"):
        change(ada, outcome, expect=409)
    ada("GET", f"{here}/no-show", expect=409)
    check("it cannot be completed before it begins", True)
    changed = alan("PUT", f"{here}/details", {"topic": "Loops that end"}, If_Match='"0"').json
    check("the client says what the session is about", changed["version"] == 1, changed)
    written = {"text": "Bring the program.", "visibility": "shared"}
    note = ada("POST", f"{here}/notes", written, expect=201, Idempotency_Key="note").json
    ada("PUT", f"{here}/notes/{note['id']}", {**written, "text": "Bring both programs."}, If_Match='"1"')
    check("the client reads one note", alan("GET", f"{here}/notes/{note['id']}").json["version"] == 2)
    texts = [note["text"] for note in alan("GET", f"{here}/notes").json["notes"]]
    check("the client reads the expert's note", texts == ["Bring both programs."], texts)
    ada("DELETE", f"{here}/notes/{note['id']}", expect=204, If_Match='"2"')
    changes = {change["change"] for change in alan("GET", f"{here}/history").json["changes"]}
    check("the history has each change", {"booked", "confirmed", "rescheduled", "details_changed"} <= changes, changes)
    for suspended in (True, False):
        tag = ada("GET", f"{mine}/profile").headers["ETag"]
        status = margaret("PUT", f"{mine}/suspension", {"suspended": suspended}, If_Match=tag).json["status"]
        check(f"the expert is {status}", status == ("suspended" if suspended else "live"), status)
    whose = f"/v1/people/{me['id']}/suspension"
    for version, suspended in enumerate((True, False)):
        change_of = {"suspended": suspended, "reason": "A rehearsal"}
        state = margaret("PUT", whose, change_of, If_Match=f'"{version}"').json
        check(f"suspended is {suspended} for the client", state["suspended"] is suspended, state)
    own = alan("GET", "/v1/me/reliability").json
    shown = margaret("GET", f"/v1/people/{me['id']}/reliability").json
    check("administrators see the reliability of people", own == shown and own["as_client"]["last_90_days"]["moves"] == 2, own)
    decided = [change["decided_by"] for change in margaret("GET", whose).json["changes"]]
    check("the suspension has a history", decided == ["administrator"] * 2, decided)
    quote = alan("GET", f"{here}/cancellation").json
    check("the refund of a cancellation is quoted", quote["reason"] == "tier", quote)
    change(alan, "cancel", {"reason": "ill"})
    refunded = until("refunded", 30, lambda: (a := alan("GET", here).json)["payment"]["state"] == "refunded" and a)
    check("the cancellation refunds everything", refunded["status"] == "cancelled", refunded)
    check("the expert has nothing of what was refunded", simulators.balance(account["account"]) == 0, simulators.balances())

    told = lambda: alan("GET", "/v1/me/notifications?unread=true").json["notifications"]
    until("notified", 30, lambda: {"confirmed", "rescheduled", "payment_refunded"} <= {n["change"] for n in told()})
    check("nobody is warned yet", {n["kind"] for n in told()} == {"appointment_change"}, told())
    check("the client is told what others change", "cancelled" not in {n["change"] for n in told()}, told())
    alan("POST", "/v1/me/notifications/read", {"until": told()[0]["id"]}, expect=204)
    check("notifications can be read", told() == [], told())

    print("receipts and ledger", flush=True)
    documents = until("receipts", 30, lambda: (d := alan("GET", f"{here}/receipts").json["receipts"]) and len(d) == 3 and d)
    check("a receipt and two credit notes", [d["kind"] for d in documents] == ["receipt", "credit_note", "credit_note"])
    alan("GET", f"/v1/receipts/{documents[0]['id']}")
    pdf = alan("GET", f"/v1/receipts/{documents[0]['id']}", Accept="application/pdf").body
    check("a receipt is available as a PDF", pdf.startswith(b"%PDF-"), pdf[:20])
    today = datetime.now(timezone.utc)
    listed = ada("GET", f"{mine}/receipts?year={documents[0]['number'][:4]}").json["receipts"]
    check("the expert lists them", len(listed) == 3, listed)
    check("the ledger has the movements", len(ada("GET", f"{mine}/ledger").json["entries"]) >= 3)
    days = f"from={today - timedelta(days=1):%Y-%m-%d}&to={today + timedelta(days=1):%Y-%m-%d}"
    ada("GET", f"{mine}/earnings?{days}")
    margaret("GET", f"/v1/commission?{days}")
    aws.client("lambda").invoke(FunctionName=resources["ReconcileLedger"], Payload=b"{}")
    differences = margaret("GET", "/v1/ledger-differences").json
    check("the ledger and the gateway's books agree", differences["differences"] == [], differences)
    escalations = margaret("GET", "/v1/escalations").json["escalations"]
    check("no payment is escalated", escalations == [], escalations)
    costs = margaret("GET", "/v1/refund-costs?month=2026-12").json
    check("administrators read what refunds cost", costs["month"] == "2026-12", costs)
    failing = margaret("GET", "/v1/failing-jobs").json["jobs"]
    check("no job fails", failing == [], failing)
    margaret("POST", "/v1/failing-jobs/bm90aGluZwpub3RoaW5n/retry", expect=404)
    paypal = f"{mine}/payment-accounts/paypal"
    check("PayPal is not configured here", ada("POST", f"{paypal}/onboarding", expect=503).json["status"] == 503)
    ada("GET", paypal, expect=404)
    anybody("POST", "/v1/webhooks/paypal", {"id": "WH-1"}, expect=400)

    print("a message that names no job", flush=True)
    queue, dead = outputs["PaymentJobsQueueUrl"], outputs["PaymentJobsDeadLettersUrl"]
    sqs = aws.client("sqs")
    usual = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["VisibilityTimeout"])["Attributes"]
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "2"})
    bodies = ["no job", f"payment:{paid['id']}", f"payment:{unpaid['id']}"]
    entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)]
    check("a batch of three is queued", len(sqs.send_message_batch(QueueUrl=queue, Entries=entries)["Successful"]) == 3)
    until("dead letter", 60, lambda: waiting(sqs, dead) > 0)
    letters = sqs.receive_message(QueueUrl=dead, MaxNumberOfMessages=10)["Messages"]
    check("after five receives it is a dead letter, alone", [m["Body"] for m in letters] == bodies[:1], letters)
    until("empty queue", 30, lambda: waiting(sqs, queue) == 0)
    check("the others of its batch were processed", waiting(sqs, dead) == 1)
    sqs.set_queue_attributes(QueueUrl=queue, Attributes=usual)

    print("a client who does not pay", flush=True)
    until("expired", 180, lambda: alan("GET", there).json["status"] == "expired")
    check("the scheduled sweep releases the hold", slots() == free, free)
    until("cancelled", 30, lambda: simulators.intent(unpaid["payment"]["intent"])["status"] == "canceled")
    check("its payment is cancelled", True)

    print("events, metrics and logs", flush=True)
    for id, kinds in (
        (paid["id"], ("confirmed", "rescheduled", "proposed", "proposal_declined", "proposal_withdrawn", "cancelled")),
        (unpaid["id"], ("expired",)),
    ):
        for kind in kinds:
            until(f"appointment.{kind}", 30, lambda: integrator.received(f"appointment.{kind}", id))
        check(f"integrators received: {', '.join(kinds)}", True)
    check("no sweep failed", waiting(sqs, outputs["ScheduleDeadLettersUrl"]) == 0)
    logged = list(lines(aws))
    records = [json.loads(line.split(": ", 1)[1]) for line in logged if ": {" in line]
    named = {record.get("function") for record in records}
    check(f"all {len(functions)} functions ran, and each record names its own", named == functions, named ^ functions)
    check("sweeps measure how late jobs are", any('"OldestOutboxEntrySeconds"' in line for line in logged))
    secrets = [*keys.values(), ada_token, alan_token, paid["payment"]["client_secret"], attendee["email"]]
    check("the logs contain no secret and no email address", not any(s in line for line in logged for s in secrets))
    complaints = [line for line in logged if '"level":"ERROR"' in line or '"level":"WARN"' in line]
    provoked = ("does not name a job", "PayPal is not configured")
    complaints = [line for line in complaints if not any(words in line for words in provoked)]
    check("the logs contain only the errors and warnings that were provoked", not complaints, complaints[:5])


class Integrator:
    """A system that receives the platform's events: a queue behind a rule on the event bus."""

    def __init__(self, aws, bus):
        self.sqs = aws.client("sqs")
        self.queue = self.sqs.create_queue(QueueName="integrator")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        events = aws.client("events")
        pattern = json.dumps({"detail-type": [{"prefix": "appointment."}]})
        events.put_rule(Name="integrator", EventBusName=bus, EventPattern=pattern)
        events.put_targets(Rule="integrator", EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
        self.events = set()

    def received(self, kind, appointment):
        while messages := self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                event = json.loads(message["Body"])
                self.events.add((event["detail-type"], event["detail"]["appointment"]["appointment_id"]))
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return (kind, appointment) in self.events


def waiting(sqs, queue):
    """How many messages a queue has, including those in flight."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return sum(int(attributes[name]) for name in names)


def lines(aws):
    """Everything that the functions logged."""
    logs = aws.client("logs")
    for group in logs.describe_log_groups(logGroupNamePrefix=f"/{STACK}/")["logGroups"]:
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"]):
            for event in page["events"]:
                yield f"{group['logGroupName']}: {event['message'].rstrip()}"


def report(aws, simulators):
    """Prints the last log lines of the functions, ministack and the simulators after a failure."""
    try:
        for line in list(lines(aws))[-200:]:
            print(line[:2000], file=sys.stderr)
    except Exception as error:
        print(f"cannot read the logs of the functions: {error}", file=sys.stderr)
    for process in (aws.process, simulators.process):
        if process:
            print(f"--- {process.name}\n{process.tail()}", file=sys.stderr)


if __name__ == "__main__":
    main(*(pathlib.Path(path).resolve() for path in sys.argv[1:]))
