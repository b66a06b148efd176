"""The deployed forms of the SAM template.

usage: template.py TEMPLATE > expanded.json

Written to stdout is the plain CloudFormation that AWS makes of the template. Linters look at the SAM form only and
miss, for example, a reference to a missing resource in what a function's properties expand to; so they are given
the expanded form too.
"""

import copy
import json
import os
import sys

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

# The translator asks for a region, to know which of AWS's partitions its ARNs are in.
os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")

FUNCTION = "AWS::Serverless::Function"


def read(path):
    with open(path, encoding="utf-8") as file:
        return yaml_parse(file)


def binaries(template):
    """Logical id of each function, with the name of the binary that is its code."""
    return {
        name: resource["Metadata"]["BuildProperties"]["Binary"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == FUNCTION
    }


def packaged(template, bucket):
    """The template with each function's code in a bucket, as `sam package` writes it."""
    template = copy.deepcopy(template)
    template["Globals"]["Function"].pop("CodeUri")
    for name, binary in binaries(template).items():
        template["Resources"][name]["Properties"]["CodeUri"] = {"Bucket": bucket, "Key": f"{binary}.zip"}
    return template


class NoManagedPolicies:
    """Stands where the names of AWS's managed policies would be looked up online. The template names none."""

    def load(self):
        return {}


def expanded(template):
    """The plain CloudFormation of a packaged template."""
    parameters = {name: value.get("Default", "x") for name, value in template["Parameters"].items()}
    return transform(copy.deepcopy(template), parameters, NoManagedPolicies())


if __name__ == "__main__":
    json.dump(expanded(packaged(read(sys.argv[1]), "bucket")), sys.stdout, indent=1)
