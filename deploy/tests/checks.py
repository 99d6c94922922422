"""What must hold of the template, one function each. The linters say nothing of most of it."""

import re

from deployment import DATABASE, DATABASES, MARKET, STORES, TEMPLATE, actions, flags, references, text, wanted

# What API Gateway waits for a function at most, in seconds, unless its quota is raised.
GATEWAY = 29

PSEUDO = {f"AWS::{name}" for name in ("AccountId", "NoValue", "Partition", "Region", "StackName", "URLSuffix")}

# Variables that are no flags: of Momento's SDK, of the log, of the runtime.
OTHERS = {"MOMENTO_ENDPOINT", "RUST_LOG", "AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH"}

CHECKS = {}


def check(function):
    CHECKS[function.__name__] = function
    return function


# References ---------------------------------------------------------------------------------


@check
def every_reference_leads_somewhere(deployment):
    template = deployment.template
    named = set(deployment.resources) | set(deployment.parameters)
    known = {
        "Ref": named | PSEUDO,
        "Fn::Sub": named | PSEUDO,
        "Fn::GetAtt": set(deployment.resources),
        "DependsOn": set(deployment.resources),
        "Condition": set(template["Conditions"]),
    }
    # In a policy, `Condition` is something else; there is none.
    lost = [f"{how} {name}" for how, name in references(template) if name not in known[how]]
    assert not lost, lost


@check
def every_parameter_is_used(deployment):
    used = {name for _, name in references(deployment.template)}
    assert not (unused := set(deployment.parameters) - used), unused


# What is built ------------------------------------------------------------------------------


@check
def the_function_is_a_binary_on_a_runtime_that_there_is(deployment):
    function = deployment.function
    assert function["Runtime"] == "provided.al2023"
    assert function["Handler"] == "bootstrap"
    # What cargo-lambda builds on a machine like this one, and unless told otherwise.
    assert function["Architectures"] == ["x86_64"]


@check
def sam_builds_the_market(deployment):
    metadata = deployment.resources["MarketFunction"]["Metadata"]
    assert metadata["BuildMethod"] == "rust-cargolambda"
    assert metadata["BuildProperties"]["Binary"] == deployment.manifest["package"]["name"]
    code = (TEMPLATE.parent / deployment.function["CodeUri"]).resolve()
    assert code == MARKET, f"{code} is not the market"


@check
def it_is_built_with_what_it_needs_on_lambda(deployment):
    build = deployment.manifest["package"]["metadata"]["lambda"]["build"]
    assert {"dynamodb", "lambda", "momento"} <= set(build["features"])
    assert set(build["features"]) <= set(deployment.manifest["features"])


# What it is told ----------------------------------------------------------------------------


@check
def every_variable_is_one_that_the_program_reads(deployment):
    unknown = set(deployment.environment) - flags() - OTHERS
    assert not unknown, f"{unknown} are no flags of the market"


@check
def the_market_is_told_where_its_data_are(deployment):
    store = deployment.parameters["Store"]
    assert (store["Default"], store["AllowedValues"]) == ("database", list(STORES))
    of_momento = {
        "GOAT_MOMENTO_SECRET": {"Ref": "MomentoSecret"},
        "GOAT_MOMENTO_CACHE": {"Ref": "MomentoCache"},
        "MOMENTO_ENDPOINT": {"Ref": "MomentoEndpoint"},
    }
    for store in STORES:
        environment = deployment.with_store(store).environment
        assert environment["GOAT_STORE"] == {"Ref": "Store"}
        assert environment["GOAT_DYNAMODB_TABLE"] == {"Ref": "MarketTable"}
        told = {name: value for name, value in environment.items() if "MOMENTO" in name}
        assert told == (of_momento if store == "momento" else {}), store


@check
def nothing_of_momento_stands_unless_it_is_asked_for(deployment):
    assert deployment.template["Conditions"]["HasMomento"] == {"Fn::Equals": [{"Ref": "Store"}, "momento"]}
    assert [name for name in deployment.with_store("database").resources if "Momento" in name] == []
    assert [name for name in deployment.with_store("momento").resources if "Momento" in name] == ["MomentoSecret"]
    # Without them a stack must come up, and with Momento none may come up without them.
    for name in ("MomentoApiKey", "MomentoEndpoint"):
        assert deployment.parameters[name]["Default"] == ""
        rule = deployment.template["Rules"]["MomentoIsTold"]
        assert rule["RuleCondition"] == deployment.template["Conditions"]["HasMomento"]
        is_told = {"Fn::Not": [{"Fn::Equals": [{"Ref": name}, ""]}]}
        assert is_told in [assertion["Assert"] for assertion in rule["Assertions"]], name


@check
def the_stage_is_no_part_of_the_path(deployment):
    # lambda_http asks whether it is there, and nothing else: "false" would say the same.
    assert deployment.environment["AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH"] == "true"


@check
def the_log_is_json(deployment):
    assert deployment.environment["GOAT_LOG_FORMAT"] == "json"


# Secrets ------------------------------------------------------------------------------------


@check
def secrets_are_not_echoed(deployment):
    is_secret = re.compile(r"(Key|Token|Secret|Password)$").search
    named = {name for name in deployment.parameters if is_secret(name)}
    assert named and named <= deployment.secret_parameters(), named
    for name in named:
        assert deployment.parameters[name].get("Default", "") == "", f"{name} has a default"


@check
def the_api_key_is_in_the_secret_alone(deployment):
    secret = deployment.properties("MomentoSecret")
    assert secret["SecretString"] == {"Ref": "MomentoApiKey"}
    shown = (deployment.resources, deployment.outputs)
    uses = [name for part in shown for _, name in references(part) if name == "MomentoApiKey"]
    assert len(uses) == 1, "the API key is used elsewhere too"


@check
def no_output_and_no_other_variable_shows_a_secret(deployment):
    secrets = deployment.secret_parameters()
    for name, value in deployment.environment.items():
        # The market has no other way to take its token. Without one, there is no variable.
        if name != "GOAT_ADMIN_TOKEN":
            assert not secrets & {named for _, named in references(value)}, name
    assert not secrets & {named for _, named in references(deployment.outputs)}
    spoken = re.compile(r"eyJ[\w-]{8,}|AKIA\w{12,}|resolve:")
    assert not spoken.search(repr(deployment.template)), "a secret stands in the template"


@check
def without_a_token_there_are_no_admin_routes(deployment):
    token = deployment.environment["GOAT_ADMIN_TOKEN"]
    assert token == {"Fn::If": ["HasAdminToken", {"Ref": "AdminToken"}, {"Ref": "AWS::NoValue"}]}
    pattern = deployment.parameters["AdminToken"]["AllowedPattern"]
    # The market refuses to start with a token that is shorter, or that no header can carry.
    assert [bool(re.fullmatch(pattern, token)) for token in ("", "x" * 24)] == [True, True]
    assert [bool(re.fullmatch(pattern, token)) for token in ("x" * 23, "x " * 12)] == [False, False]


# Rights -------------------------------------------------------------------------------------


@check
def the_code_may_do_what_it_does(deployment):
    missing = wanted() - actions(deployment.statements["Data"])
    assert not missing, f"the code calls {missing}"
    missing = wanted("WANTED_FOR_RECORDS") - actions(deployment.with_store("database").statements["Records"])
    assert not missing, f"the store calls {missing}"


@check
def nothing_is_allowed_that_no_code_does(deployment):
    others = {
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
    own = {"database": wanted("WANTED_FOR_RECORDS"), "momento": {"secretsmanager:GetSecretValue"}}
    for store in STORES:
        allowed = set().union(*map(actions, deployment.with_store(store).statements.values()))
        needed = wanted() | own[store] | others
        assert allowed == needed, (store, allowed ^ needed)


@check
def each_right_is_on_its_own_resource(deployment):
    table = {"Fn::GetAtt": ["MarketTable", "Arn"]}
    own = {"database": {"Records": table}, "momento": {"ApiKey": {"Ref": "MomentoSecret"}}}
    for store in STORES:
        statements = deployment.with_store(store).statements
        resources = {sid: statement["Resource"] for sid, statement in statements.items()}
        assert resources == {
            "Data": table,
            "Logs": {"Fn::GetAtt": ["MarketLogs", "Arn"]},
            "Traces": "*",
            **own[store],
        }
    for sid, statement in deployment.statements.items():
        service = {action.split(":")[0] for action in actions(statement)}
        assert len(service) == 1, f"{sid} is about several services"
        assert statement["Effect"] == "Allow" and not any("*" in action for action in actions(statement))
    assert {action.split(":")[0] for action in actions(deployment.statements["Traces"])} == {"xray"}


@check
def only_records_can_be_deleted(deployment):
    prefix = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [text("RECORDS_BEGIN_WITH") + "*"]}}
    assert deployment.statements["Records"]["Condition"] == prefix
    assert not {action for action in actions(deployment.statements["Data"]) if "Delete" in action}


@check
def lambda_alone_takes_the_role(deployment):
    (statement,) = deployment.properties("MarketRole")["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert statement["Action"] == "sts:AssumeRole"


@check
def the_function_has_that_role_and_no_more(deployment):
    assert deployment.function["Role"] == {"Fn::GetAtt": ["MarketRole", "Arn"]}
    # SAM would drop them without a word.
    assert "Policies" not in deployment.function
    assert "ManagedPolicyArns" not in deployment.properties("MarketRole")


# Timeouts -----------------------------------------------------------------------------------


@check
def the_function_ends_before_the_gateway_gives_up(deployment):
    assert deployment.function["Timeout"] == {"Ref": "FunctionTimeout"}
    timeout = deployment.parameters["FunctionTimeout"]
    assert timeout["Default"] <= timeout["MaxValue"] < GATEWAY


@check
def the_function_has_time_to_give_its_database_and_its_store_up(deployment):
    seconds = r"const {}: Duration = Duration::from_secs\((\d+)\);"
    patience = re.search(seconds.format("PATIENCE"), DATABASE.read_text())
    # What frees the key has none of its own: the lease does it, a little later.
    claim = re.search(seconds.format("STORE_TIMEOUT"), DATABASES.read_text())
    assert deployment.parameters["FunctionTimeout"]["MinValue"] > int(patience[1]) + int(claim[1])


@check
def a_lease_outlasts_its_invocation(deployment):
    margin = re.fullmatch(r"(\d+)s", deployment.environment["GOAT_LEASE_MARGIN"])
    assert margin and int(margin[1]) > 0, "the next invocation could begin before the last is killed"


# The front ----------------------------------------------------------------------------------


@check
def every_route_leads_to_the_market(deployment):
    events = [event for event in deployment.function["Events"].values() if event["Type"] == "Api"]
    of_market = {event["Properties"]["Path"]: event["Properties"] for event in events}
    # `/{proxy+}` is every path but `/` itself.
    assert set(of_market) == {"/", "/{proxy+}"}
    for properties in of_market.values():
        assert properties["Method"] == "ANY"
        # Otherwise SAM makes a second API, without limits.
        assert properties["RestApiId"] == {"Ref": "MarketApi"}


@check
def requests_are_limited(deployment):
    (settings,) = deployment.properties("MarketApi")["MethodSettings"]
    assert (settings["ResourcePath"], settings["HttpMethod"]) == ("/*", "*")
    for limit, parameter in (("Rate", "ThrottleRate"), ("Burst", "ThrottleBurst")):
        assert settings[f"Throttling{limit}Limit"] == {"Ref": parameter}
        assert deployment.parameters[parameter]["MinValue"] > 0
    # Momento's default limits admit about 25 fresh requests a second.
    assert deployment.parameters["ThrottleRate"]["Default"] <= 25


@check
def bodies_pass_as_bytes(deployment):
    assert deployment.properties("MarketApi")["BinaryMediaTypes"] == ["*~1*"]


@check
def the_base_url_is_that_of_the_stage(deployment):
    stage = deployment.properties("MarketApi")["StageName"]
    url = deployment.outputs["BaseUrl"]["Value"]["Fn::Sub"]
    assert url == f"https://${{MarketApi}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}/{stage}"


# What stays, and what is seen ---------------------------------------------------------------


@check
def the_table_is_the_markets(deployment):
    table = deployment.properties("MarketTable")
    keys = {key["AttributeName"]: key["KeyType"] for key in table["KeySchema"]}
    assert keys == {"pk": "HASH", "sk": "RANGE"}
    types = {attribute["AttributeName"]: attribute["AttributeType"] for attribute in table["AttributeDefinitions"]}
    assert types == {"pk": "S", "sk": "S"}
    assert table["BillingMode"] == "PAY_PER_REQUEST"


@check
def what_has_expired_is_deleted(deployment):
    settings = deployment.properties("MarketTable")["TimeToLiveSpecification"]
    assert settings == {"AttributeName": text("EXPIRES"), "Enabled": True}


@check
def orders_outlive_the_stack_and_mistakes(deployment):
    table = deployment.resources["MarketTable"]
    assert table["DeletionPolicy"] == "RetainExceptOnCreate"
    assert table["UpdateReplacePolicy"] == "Retain"
    assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    # With a name of its own, a stack that is made anew would meet the table that stayed.
    assert "TableName" not in table["Properties"]


@check
def the_log_is_kept_for_a_while_and_not_for_ever(deployment):
    assert deployment.function["LoggingConfig"]["LogGroup"] == {"Ref": "MarketLogs"}
    assert deployment.properties("MarketLogs")["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    # Otherwise Lambda filters what the market logs by a level of its own.
    assert "LogFormat" not in deployment.function["LoggingConfig"]


@check
def traces_go_through(deployment):
    assert deployment.function["Tracing"] == "Active"
    assert deployment.properties("MarketApi")["TracingEnabled"] is True


# What SAM makes of it -----------------------------------------------------------------------


@check
def sam_adds_what_is_expected_and_no_more(deployment):
    expected = [
        "AWS::ApiGateway::Deployment",
        "AWS::ApiGateway::RestApi",
        "AWS::ApiGateway::Stage",
        "AWS::DynamoDB::Table",
        "AWS::IAM::Role",
        "AWS::Lambda::Function",
        "AWS::Lambda::Permission",
        "AWS::Lambda::Permission",
        "AWS::Logs::LogGroup",
    ]
    own = {"database": [], "momento": ["AWS::SecretsManager::Secret"]}
    for store in STORES:
        expanded = deployment.with_store(store).expanded()
        made = sorted(resource["Type"] for resource in expanded.values())
        assert made == expected + own[store], made


@check
def the_gateway_alone_calls_the_function(deployment):
    permissions = [
        resource["Properties"]
        for resource in deployment.expanded().values()
        if resource["Type"] == "AWS::Lambda::Permission"
    ]
    assert permissions
    for permission in permissions:
        assert permission["Principal"] == "apigateway.amazonaws.com"
        assert permission["SourceArn"]["Fn::Sub"][1]["__ApiId__"] == {"Ref": "MarketApi"}
