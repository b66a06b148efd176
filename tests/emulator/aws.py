"""A local AWS (ministack), and the deployment of the SAM template to it.

ministack runs the real binaries as processes of this machine and enforces the IAM roles of the template. It differs from
AWS in two ways that matter here:

- It has no alarms over several metrics, so they are left out.
- It does not read the OpenAPI document of an HTTP API, so the routes, integrations and the authorizer are created from that
  document here, through API Gateway's own API.
"""

import copy
import io
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile

import boto3
from botocore.config import Config

import template as templates

REGION = "eu-west-1"
BUCKET = "code"


def until(what, seconds, look, every=0.2):
    """Polls `look` until it returns something true, which is returned."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds} s; last seen: {found!r}")
        time.sleep(every)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """A program in a process group of its own. Stopping it stops every process that it started."""

    def __init__(self, command, log, env=None, cwd=None):
        self.log = pathlib.Path(log)
        self.name = self.log.stem
        with open(self.log, "wb") as output:
            self.child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=env, cwd=cwd,
                start_new_session=True,
            )

    def wait_for(self, url, seconds):
        def answers():
            if self.child.poll() is not None:
                raise RuntimeError(f"{self.name} ended with {self.child.returncode}:\n{self.tail()}")
            try:
                with urllib.request.urlopen(url, timeout=2) as answer:
                    return answer.status == 200
            except OSError:
                return False

        until(f"{self.name} answers at {url}", seconds, answers)

    def tail(self, lines=40):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def stop(self):
        for sign in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.child.pid, sign)
            except ProcessLookupError:
                pass
            try:
                self.child.wait(timeout=10)
            except subprocess.TimeoutExpired:
                continue


class LocalAws:
    """ministack on a free port of the loopback interface. It writes to `folder` only."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.process = None

    def start(self):
        for name in ("home", "tmp", "s3"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        # ministack and the functions get this environment only: no credentials and no addresses of the real AWS.
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "S3_DATA_DIR": str(self.folder / "s3"),
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_REGION": REGION,
            "MINISTACK_HOST": "localhost",
            "AUTH": "true",
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
        }
        serve = pathlib.Path(__file__).with_name("serve.py")
        self.process = Process([sys.executable, str(serve)], self.folder / "ministack.log", env, self.folder)
        self.process.wait_for(f"{self.endpoint}/_ministack/health", 60)

    def client(self, service):
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}),
        )

    def upload(self, bootstraps):
        """Uploads the archive of each binary, as `sam deploy` would. The functions of an area share one."""
        s3 = self.client("s3")
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        for name, bootstrap in bootstraps.items():
            archive = io.BytesIO()
            with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as zipped:
                entry = zipfile.ZipInfo("bootstrap")
                entry.external_attr = 0o755 << 16
                zipped.writestr(entry, pathlib.Path(bootstrap).read_bytes())
            s3.put_object(Bucket=BUCKET, Key=f"{name}.zip", Body=archive.getvalue())

    def deploy(self, name, template, parameters):
        """Creates the stack and returns its outputs and the physical name of each resource."""
        template = templates.packaged(template, BUCKET)
        routes = templates.expanded(template)["Resources"]["Api"]["Properties"]["Body"]
        deployed = copy.deepcopy(template)
        deployed["Resources"] = {
            key: resource
            for key, resource in template["Resources"].items()
            if not (resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in resource["Properties"])
        }
        # Too large for the request, so it goes to a bucket, as with `sam deploy`.
        self.client("s3").put_object(Bucket=BUCKET, Key="template.json", Body=json.dumps(deployed).encode())
        cloudformation = self.client("cloudformation")
        cloudformation.create_change_set(
            StackName=name,
            ChangeSetName="create",
            ChangeSetType="CREATE",
            TemplateURL=f"https://s3.{REGION}.amazonaws.com/{BUCKET}/template.json",
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )

        def change_set():
            found = cloudformation.describe_change_set(StackName=name, ChangeSetName="create")
            return found if found["Status"] in ("CREATE_COMPLETE", "FAILED") else None

        found = until("change set", 60, change_set)
        if found["Status"] == "FAILED":
            raise RuntimeError(f"change set: {found.get('StatusReason')}")
        cloudformation.execute_change_set(StackName=name, ChangeSetName="create")

        def finished():
            stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
            return None if stack["StackStatus"].endswith("IN_PROGRESS") else stack

        stack = until("stack", 120, finished)
        if stack["StackStatus"] != "CREATE_COMPLETE":
            events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
            failed = [event for event in events if "FAILED" in event["ResourceStatus"]]
            reasons = [f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}" for event in failed]
            raise RuntimeError(f"{stack['StackStatus']}\n" + "\n".join(reasons))
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
        found = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
        resources = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in found}
        self.create_routes(resources, routes, parameters)
        return outputs, resources

    def create_routes(self, resources, document, parameters):
        gateway = self.client("apigatewayv2")
        functions = self.client("lambda")
        api = resources["Api"]
        [(scheme, definition)] = document["components"]["securitySchemes"].items()
        described = definition["x-amazon-apigateway-authorizer"]
        authorizer = gateway.create_authorizer(
            ApiId=api,
            Name=scheme,
            AuthorizerType="JWT",
            IdentitySource=[described["identitySource"]],
            JwtConfiguration={"Issuer": parameters["JwtIssuer"], "Audience": [parameters["JwtAudience"]]},
        )["AuthorizerId"]
        integrations = {}
        for name, described in document["components"]["x-amazon-apigateway-integrations"].items():
            function = re.search(r"functions/\$\{(\w+)\.Arn\}", json.dumps(described["uri"])).group(1)
            arn = functions.get_function(FunctionName=resources[function])["Configuration"]["FunctionArn"]
            self.check_caller(resources[described["credentials"]["Fn::GetAtt"][0]], arn)
            integrations[f"#/components/x-amazon-apigateway-integrations/{name}"] = gateway.create_integration(
                ApiId=api,
                IntegrationType="AWS_PROXY",
                IntegrationUri=arn,
                PayloadFormatVersion=described["payloadFormatVersion"],
            )["IntegrationId"]
        api_scope = parameters.get("ApiScope", "expert-connect/api")

        def resolved(scope):
            if isinstance(scope, str):
                return scope
            return scope.get("Fn::Sub", "${ApiScope}").replace("${ApiScope}", api_scope)

        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                security = {}
                for requirement in operation["security"]:
                    if scheme in requirement:
                        security = {
                            "AuthorizationType": "JWT",
                            "AuthorizerId": authorizer,
                            "AuthorizationScopes": [resolved(scope) for scope in requirement[scheme]],
                        }
                integration = integrations[operation["x-amazon-apigateway-integration"]["$ref"]]
                gateway.create_route(
                    ApiId=api, RouteKey=f"{method.upper()} {path}", Target=f"integrations/{integration}", **security
                )

    def check_caller(self, role, function):
        """Fails unless the role may invoke the function. ministack's API Gateway invokes as nobody in particular."""
        iam = self.client("iam")
        result = iam.simulate_principal_policy(
            PolicySourceArn=iam.get_role(RoleName=role)["Role"]["Arn"],
            ActionNames=["lambda:InvokeFunction"],
            ResourceArns=[function],
        )["EvaluationResults"][0]["EvalDecision"]
        if result != "allowed":
            raise RuntimeError(f"the role {role} may not invoke {function}: {result}")

    def api_url(self, resources):
        return f"{self.endpoint}/_aws/execute-api/{resources['Api']}/$default"

    def stop(self):
        if self.process:
            self.process.stop()
