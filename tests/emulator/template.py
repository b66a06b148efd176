"""The deployed forms of the SAM template.

usage: template.py TEMPLATE > expanded.json

Writes the plain CloudFormation that AWS expands the template to. Linters of the SAM form miss, for example, a reference to
a missing resource in what a function's properties expand to, so they are given the expanded form too.
"""

import copy
import json
import os
import sys

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

# The translator derives the partition of ARNs from a region.
os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")

FUNCTION = "AWS::Serverless::Function"


def read(path):
    with open(path, encoding="utf-8") as file:
        return yaml_parse(file)


def binaries(template):
    """The name of the binary of each function, by logical id."""
    return {
        name: resource["Metadata"]["BuildProperties"]["Binary"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == FUNCTION
    }


def handlers(template):
    """The names of the functions, which select them in their binaries."""
    resources = template["Resources"].values()
    return {resource["Properties"]["Handler"] for resource in resources if resource["Type"] == FUNCTION}


def packaged(template, bucket):
    """The template with its binaries in a bucket, as `sam package` writes it."""
    template = copy.deepcopy(template)
    template["Globals"]["Function"].pop("CodeUri")
    for name, binary in binaries(template).items():
        template["Resources"][name]["Properties"]["CodeUri"] = {"Bucket": bucket, "Key": f"{binary}.zip"}
    return template


class NoManagedPolicies:
    """Replaces the online lookup of AWS's managed policies by name. The template names none."""

    def load(self):
        return {}


def expanded(template):
    """The plain CloudFormation of a packaged template."""
    parameters = {name: value.get("Default", "x") for name, value in template["Parameters"].items()}
    return transform(copy.deepcopy(template), parameters, NoManagedPolicies())


if __name__ == "__main__":
    json.dump(expanded(packaged(read(sys.argv[1]), "bucket")), sys.stdout, indent=1)
