"""What the checks look at: the template, and what the code says that it needs."""

import copy
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "deploy/template.yaml"
MARKET = ROOT / "examples/goat-api"
TABLE = MARKET / "src/database/dynamodb/table.rs"
DATABASE = MARKET / "src/database/dynamodb.rs"
DATABASES = MARKET / "src/database.rs"

# Where the records can be: what the parameter `Store` can say.
STORES = ("database", "momento")


@dataclass
class Deployment:
    """The template as it is written, and the manifest of what it builds."""

    template: dict
    manifest: dict

    @classmethod
    def read(cls):
        manifest = tomllib.loads((MARKET / "Cargo.toml").read_text())
        return cls(yaml_parse(TEMPLATE.read_text()), manifest)

    def copy(self):
        return copy.deepcopy(self)

    @property
    def parameters(self):
        return self.template["Parameters"]

    @property
    def resources(self):
        return self.template["Resources"]

    @property
    def outputs(self):
        return self.template["Outputs"]

    def properties(self, name):
        return self.resources[name]["Properties"]

    @property
    def function(self):
        return self.properties("MarketFunction")

    @property
    def environment(self):
        return self.function["Environment"]["Variables"]

    @property
    def statements(self):
        """What the function's role allows in either variant, by the name of the statement."""
        policies = self.properties("MarketRole")["Policies"]
        return {
            statement["Sid"]: statement
            for policy in policies
            for entry in policy["PolicyDocument"]["Statement"]
            for statement in alternatives(entry)
        }

    def with_store(self, store):
        """What stands where this is the parameter `Store`, with what depends on it chosen."""
        template = copy.deepcopy(self.template)
        template["Resources"] = {
            name: resource
            for name, resource in template["Resources"].items()
            if resource.get("Condition") != "HasMomento" or store == "momento"
        }
        return Deployment(chosen(template, store == "momento"), self.manifest)

    def secret_parameters(self):
        return {name for name, of in self.parameters.items() if of.get("NoEcho") in (True, "true")}

    def expanded(self):
        """The resources that CloudFormation gets, once SAM has made its own out of the template."""
        template = copy.deepcopy(self.template)
        template["Resources"]["MarketFunction"]["Properties"]["CodeUri"] = "s3://bucket/code"
        return transform(template, {}, ManagedPolicies())["Resources"]


def alternatives(entry):
    """A statement, or those of a choice."""
    if "Fn::If" not in entry:
        return [entry]
    return [choice for choice in entry["Fn::If"][1:] if "Sid" in choice]


NOTHING = {"Ref": "AWS::NoValue"}


def chosen(value, momento):
    """A part of a template with its choices by `HasMomento` made."""
    if isinstance(value, list):
        made = [chosen(item, momento) for item in value]
        return [item for item in made if item != NOTHING]
    if not isinstance(value, dict):
        return value
    if (choice := value.get("Fn::If")) and choice[0] == "HasMomento":
        return chosen(choice[1 if momento else 2], momento)
    if "Fn::If" in value:
        return value
    made = {key: chosen(inner, momento) for key, inner in value.items()}
    return {key: inner for key, inner in made.items() if inner != NOTHING}


class ManagedPolicies:
    """Stands in for IAM, which SAM would ask for the names of its managed policies."""

    def load(self):
        return {}


@cache
def flags():
    """The environment variables that the market's flags have."""
    return set(re.findall(r'env = "([A-Z0-9_]+)"', (MARKET / "src/cli.rs").read_text()))


@cache
def wanted(name="WANTED"):
    """The actions on its table that the market's code calls; with WANTED_FOR_RECORDS, those for records besides."""
    listed = re.search(rf"const {name}: &\[&str\] = &\[(.*?)\];", TABLE.read_text(), re.DOTALL)
    assert listed, f"{TABLE} lists no actions as {name}"
    return set(re.findall(r'"(.*?)"', listed[1]))


@cache
def text(name):
    """What a constant of the market's table is."""
    told = re.search(rf'const {name}: &str = "(.*?)";', TABLE.read_text())
    assert told, f"{TABLE} has no {name}"
    return told[1]


def actions(statement):
    action = statement["Action"]
    return set(action if isinstance(action, list) else [action])


def references(value):
    """Each name that a part of a template refers to, and how."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from of_intrinsic(key, inner)


def of_intrinsic(key, inner):
    if key == "Ref":
        yield "Ref", inner
    elif key == "Fn::GetAtt":
        yield "Fn::GetAtt", inner[0] if isinstance(inner, list) else inner.split(".")[0]
    elif key == "Fn::Sub":
        text, own = inner if isinstance(inner, list) else (inner, {})
        names = re.findall(r"\$\{([^!}][^}]*)\}", text)
        yield from (("Fn::Sub", name.split(".")[0]) for name in names if name not in own)
        yield from references(own)
    elif key == "Fn::If":
        yield "Condition", inner[0]
        yield from references(inner[1:])
    elif key == "Condition" and isinstance(inner, str):
        yield "Condition", inner
    elif key == "DependsOn":
        yield from (("DependsOn", name) for name in ([inner] if isinstance(inner, str) else inner))
    else:
        yield from references(inner)
