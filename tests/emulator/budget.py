"""Keeps template.yaml within the limits of AWS, by what it expands to.

usage: budget.py TEMPLATE
       budget.py --grow TEMPLATE...

The first asserts the limits, after asserting that a template over each of them is refused. The second prints how many
resources and API integrations each template has as it is and with 45, 130 and 200 functions, where the added functions are
routes in the form of that template.
"""

import copy
import json
import sys

import template as templates

# CloudFormation allows 500 resources in a stack. The rest is room for a release that adds before it removes.
RESOURCES = 450
# API Gateway allows 300 integrations in an HTTP API, and does not raise the limit.
INTEGRATIONS = 280
# IAM's default quota for managed policies of a role.
MANAGED_POLICIES = 10
# Characters in all inline policies of a role, without white space.
INLINE_POLICIES = 10_240
# CloudWatch allows ten metrics in the expression of an alarm.
ALARM_METRICS = 10
# The longest ARN of a function: 64 characters of name, and what stands before it.
FUNCTION_ARN = 120


def of_type(expanded, kind):
    return {name: r["Properties"] for name, r in expanded["Resources"].items() if r["Type"] == kind}


def integrations(expanded):
    """How many integrations API Gateway makes: one for each that is shared by name, and one for each written at a route."""
    body = expanded["Resources"]["Api"]["Properties"]["Body"]
    operations = [operation for methods in body["paths"].values() for operation in methods.values()]
    own = [o for o in operations if "$ref" not in o["x-amazon-apigateway-integration"]]
    return len(own) + len(body["components"].get("x-amazon-apigateway-integrations", {}))


def faults(expanded):
    """Every limit that a template exceeds, in sentences."""
    found = []

    def at_most(limit, count, what):
        if count > limit:
            found.append(f"{count} {what}; at most {limit}")

    at_most(RESOURCES, len(expanded["Resources"]), "resources")
    at_most(INTEGRATIONS, integrations(expanded), "API integrations")
    for name, role in of_type(expanded, "AWS::IAM::Role").items():
        at_most(MANAGED_POLICIES, len(role.get("ManagedPolicyArns", [])), f"managed policies of the role {name}")
        inline = json.dumps([p["PolicyDocument"] for p in role.get("Policies", [])], separators=(",", ":"))
        references = inline.count('"Fn::GetAtt"')
        at_most(INLINE_POLICIES, len(inline) + references * FUNCTION_ARN, f"characters of inline policies of the role {name}")
    watched = []
    for name, alarm in of_type(expanded, "AWS::CloudWatch::Alarm").items():
        metrics = [m["MetricStat"]["Metric"] for m in alarm.get("Metrics", []) if "MetricStat" in m]
        at_most(ALARM_METRICS, len(metrics), f"metrics of the alarm {name}")
        for metric in metrics or [alarm]:
            if metric["Namespace"] == "AWS/Lambda" and metric["MetricName"] == "Errors":
                watched += [dimension["Value"]["Ref"] for dimension in metric["Dimensions"]]
    for function in of_type(expanded, "AWS::Lambda::Function"):
        if watched.count(function) != 1:
            found.append(f"{watched.count(function)} alarms for failed invocations of {function}; one is needed")
    return found


def grown(template, count):
    """The template with so many functions. The added ones are routes as the others of the template are: one alarm for the
    failures of ten, and, where the template has areas, an area for ten."""
    template = copy.deepcopy(template)
    resources = template["Resources"]
    document = resources["Api"]["Properties"].get("DefinitionBody")
    for number in range(count - len(templates.binaries(template))):
        name, path = f"Added{number}", f"/v1/added/{number}"
        area = f"Area{number // 10}" if document else name
        function = copy.deepcopy(resources["ReadExpert"])
        function["Properties"]["LoggingConfig"]["LogGroup"] = {"Ref": f"{area}Log"}
        resources[name] = function
        resources[f"{area}Log"] = copy.deepcopy(resources["AccessLog"])
        alarm = f"Area{number // 10}FunctionsFailedAlarm"
        if alarm not in resources:
            resources[alarm] = copy.deepcopy(resources["ReceiptFunctionsFailedAlarm"])
            resources[alarm]["Properties"]["Metrics"][1:] = []
        metric = copy.deepcopy(resources["ReceiptFunctionsFailedAlarm"]["Properties"]["Metrics"][1])
        metric["Id"] = f"added_{number}"
        metric["MetricStat"]["Metric"]["Dimensions"][0]["Value"] = {"Ref": name}
        resources[alarm]["Properties"]["Metrics"].append(metric)
        if not document:
            function["Properties"]["Events"]["Http"]["Properties"]["Path"] = path
            continue
        caller = f"{area}Caller"
        if caller not in resources:
            resources[caller] = copy.deepcopy(resources["ReceiptsCaller"])
            statement(resources[caller])["Resource"] = []
        statement(resources[caller])["Resource"].append({"Fn::GetAtt": [name, "Arn"]})
        shared = document["components"]["x-amazon-apigateway-integrations"]
        shared[name] = json.loads(json.dumps(shared["ReadExpert"]).replace("ReadExpert", name))
        shared[name]["credentials"] = {"Fn::GetAtt": [caller, "Arn"]}
        reference = f"#/components/x-amazon-apigateway-integrations/{name}"
        document["paths"][path] = {"get": {"x-amazon-apigateway-integration": {"$ref": reference}}}
    return template


def statement(caller):
    return caller["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0]


def expanded(template):
    return templates.expanded(templates.packaged(template, "bucket"))


def assert_that_each_limit_is_kept(template):
    """Exceeds each limit in turn and asserts that this is found."""
    assert not faults(expanded(grown(template, 130))), faults(expanded(grown(template, 130)))
    large = expanded(grown(template, 300))
    small = expanded(template)
    resources = small["Resources"]
    role = resources["RunPaymentJobsRole"]["Properties"]
    role["ManagedPolicyArns"] = role["ManagedPolicyArns"][:1] * (MANAGED_POLICIES + 1)
    statement(resources["ReceiptsCaller"])["Resource"] = [{"Fn::GetAtt": ["ReadReceipt", "Arn"]}] * 100
    metrics = resources["ReceiptFunctionsFailedAlarm"]["Properties"]["Metrics"]
    metrics += [metrics[1]] * ALARM_METRICS
    del resources["RunPaymentJobsFailedAlarm"]
    found = "\n".join(faults(large) + faults(small))
    for words in (
        " resources; at most 450",
        " API integrations; at most 280",
        " managed policies of the role RunPaymentJobsRole",
        " characters of inline policies of the role ReceiptsCaller",
        " metrics of the alarm ReceiptFunctionsFailedAlarm",
        "0 alarms for failed invocations of RunPaymentJobs",
    ):
        assert words in found, f"not found: {words}; found:\n{found}"


def count(document):
    return f"{len(document['Resources'])} resources, {integrations(document)} integrations"


def main(arguments):
    if arguments[:1] == ["--grow"]:
        for path in arguments[1:]:
            template = templates.read(path)
            now = len(templates.binaries(template))
            for functions in sorted({now, 45, 130, 200}):
                print(f"{path}: {functions} functions, {count(expanded(grown(template, functions)))}")
        return
    [path] = arguments
    template = templates.read(path)
    document = expanded(template)
    if found := faults(document):
        sys.exit("\n".join(f"{path}: {fault}" for fault in found))
    assert_that_each_limit_is_kept(template)
    print(f"{path}: {count(document)}")


if __name__ == "__main__":
    main(sys.argv[1:])
