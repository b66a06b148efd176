"""A local AWS (ministack), and the deployment of the SAM template to it.

It runs the functions' real bootstraps as processes of this machine and holds them to the roles of the template.
What differs from a deployment to AWS:

- Alarms over several metrics are left out, because ministack has none.
- ministack does not read the OpenAPI document that a SAM HTTP API expands to, so its routes and its authorizer are
  created from that document here, through the API that it would be imported with.
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
    """The first true answer of `look`, asked again and again until the time is up."""
    deadline = time.monotonic() + seconds
    while True:
        answer = look()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds} s; last seen: {answer!r}")
        time.sleep(every)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """A program started by the test in a process group of its own, stopped with everything that it started."""

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
    """ministack on a free port of the loopback interface, with all that it writes in `folder`."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.process = None

    def start(self):
        for name in ("home", "tmp", "s3"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        # Only what is named here reaches ministack and the functions: no credentials and no addresses of a real AWS.
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
        """Puts each function's `<name>/bootstrap` where `sam deploy` would."""
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
        """Creates the stack; the answer is its outputs and the physical name of each resource."""
        template = templates.packaged(template, BUCKET)
        routes = templates.expanded(template)["Resources"]["Api"]["Properties"]["Body"]
        deployed = copy.deepcopy(template)
        deployed["Resources"] = {
            key: resource
            for key, resource in template["Resources"].items()
            if not (resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in resource["Properties"])
        }
        # Too large to be sent along, so it goes where `sam deploy` puts it.
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
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                uri = json.dumps(operation["x-amazon-apigateway-integration"]["uri"])
                function = re.search(r"functions/\$\{(\w+)\.Arn\}", uri).group(1)
                arn = functions.get_function(FunctionName=resources[function])["Configuration"]["FunctionArn"]
                integration = gateway.create_integration(
                    ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=arn, PayloadFormatVersion="2.0"
                )["IntegrationId"]
                security = {}
                for requirement in operation["security"]:
                    if scheme in requirement:
                        security = {
                            "AuthorizationType": "JWT",
                            "AuthorizerId": authorizer,
                            "AuthorizationScopes": requirement[scheme],
                        }
                gateway.create_route(
                    ApiId=api, RouteKey=f"{method.upper()} {path}", Target=f"integrations/{integration}", **security
                )

    def api_url(self, resources):
        return f"{self.endpoint}/_aws/execute-api/{resources['Api']}/$default"

    def stop(self):
        if self.process:
            self.process.stop()
