"""Each check finds what it is for: a defect is planted in the template, and the check of that name fails."""

import pytest

from checks import CHECKS
from deployment import Deployment, wanted

DEFECTS = []


def planted(check, defect):
    """A defect, and the check that must find it."""

    def plant(function):
        DEFECTS.append(pytest.param(check, function, id=f"{check}: {defect}"))
        return function

    return plant


@pytest.mark.parametrize("name, plant", DEFECTS)
def test_a_defect_is_found(name, plant):
    deployment = Deployment.read()
    before = deployment.copy()
    plant(deployment)
    assert deployment != before, "nothing was planted"
    with pytest.raises((AssertionError, KeyError)):
        CHECKS[name](deployment)


def test_every_check_has_its_defect():
    assert {parameter.values[0] for parameter in DEFECTS} == set(CHECKS)


# References ---------------------------------------------------------------------------------


@planted("every_reference_leads_somewhere", "a Ref to a table of another name")
def _(deployment):
    deployment.environment["GOAT_DYNAMODB_TABLE"] = {"Ref": "GoatTable"}


@planted("every_reference_leads_somewhere", "an attribute of a role that is gone")
def _(deployment):
    deployment.resources["Role"] = deployment.resources.pop("MarketRole")


@planted("every_reference_leads_somewhere", "a misspelt name inside a Sub")
def _(deployment):
    deployment.outputs["BaseUrl"]["Value"] = {"Fn::Sub": "https://${MarketAPI}.example.com"}


@planted("every_reference_leads_somewhere", "an If without its condition")
def _(deployment):
    del deployment.template["Conditions"]["HasAdminToken"]


@planted("every_parameter_is_used", "a parameter that nothing reads")
def _(deployment):
    deployment.properties("MarketLogs")["RetentionInDays"] = 30


# What is built ------------------------------------------------------------------------------


@planted("the_function_is_a_binary_on_a_runtime_that_there_is", "a runtime that there is not")
def _(deployment):
    deployment.function["Runtime"] = "provided.al2024"


@planted("the_function_is_a_binary_on_a_runtime_that_there_is", "another processor than what is built")
def _(deployment):
    deployment.function["Architectures"] = ["arm64"]


@planted("sam_builds_the_market", "a misspelt build method")
def _(deployment):
    deployment.resources["MarketFunction"]["Metadata"]["BuildMethod"] = "rust-cargo-lambda"


@planted("sam_builds_the_market", "a folder that is not there")
def _(deployment):
    deployment.function["CodeUri"] = "examples/goat-api"


@planted("it_is_built_with_what_it_needs_on_lambda", "a build without DynamoDB")
def _(deployment):
    deployment.manifest["package"]["metadata"]["lambda"]["build"]["features"].remove("dynamodb")


@planted("it_is_built_with_what_it_needs_on_lambda", "a feature that is gone")
def _(deployment):
    del deployment.manifest["features"]["momento"]


# What it is told ----------------------------------------------------------------------------


@planted("every_variable_is_one_that_the_program_reads", "a misspelt flag")
def _(deployment):
    deployment.environment["GOAT_LEASE_MARGINS"] = "5s"


@planted("the_market_is_told_where_its_data_are", "records in the memory of each instance")
def _(deployment):
    deployment.environment["GOAT_STORE"] = "memory"


@planted("the_market_is_told_where_its_data_are", "data in a file of each instance")
def _(deployment):
    del deployment.environment["GOAT_DYNAMODB_TABLE"]


@planted("the_market_is_told_where_its_data_are", "Momento unless told otherwise")
def _(deployment):
    deployment.parameters["Store"]["Default"] = "momento"


@planted("the_market_is_told_where_its_data_are", "a cache beside records in the table, which the market refuses")
def _(deployment):
    deployment.environment["GOAT_MOMENTO_CACHE"] = {"Ref": "MomentoCache"}


@planted("nothing_of_momento_stands_unless_it_is_asked_for", "a secret that nobody reads")
def _(deployment):
    del deployment.resources["MomentoSecret"]["Condition"]


@planted("nothing_of_momento_stands_unless_it_is_asked_for", "an API key that everybody must have")
def _(deployment):
    del deployment.parameters["MomentoApiKey"]["Default"]


@planted("nothing_of_momento_stands_unless_it_is_asked_for", "a stack with Momento and without an endpoint")
def _(deployment):
    deployment.template["Rules"]["MomentoIsTold"]["Assertions"].pop()


@planted("the_stage_is_no_part_of_the_path", "paths that begin with the stage")
def _(deployment):
    del deployment.environment["AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH"]


@planted("the_stage_is_no_part_of_the_path", "a false that counts as true")
def _(deployment):
    deployment.environment["AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH"] = "false"


@planted("the_log_is_json", "lines for people")
def _(deployment):
    deployment.environment["GOAT_LOG_FORMAT"] = "text"


# Secrets ------------------------------------------------------------------------------------


@planted("secrets_are_not_echoed", "an API key that consoles show")
def _(deployment):
    del deployment.parameters["MomentoApiKey"]["NoEcho"]


@planted("secrets_are_not_echoed", "a token that everybody knows")
def _(deployment):
    deployment.parameters["AdminToken"]["Default"] = "change-me-change-me-change-me"


@planted("the_api_key_is_in_the_secret_alone", "an API key as a variable")
def _(deployment):
    deployment.environment["MOMENTO_API_KEY"] = {"Ref": "MomentoApiKey"}


@planted("no_output_and_no_other_variable_shows_a_secret", "a token among the outputs")
def _(deployment):
    deployment.outputs["Token"] = {"Value": {"Ref": "AdminToken"}}


@planted("no_output_and_no_other_variable_shows_a_secret", "a token inside another variable")
def _(deployment):
    deployment.environment["RUST_LOG"] = {"Fn::Sub": "info,${AdminToken}"}


@planted("no_output_and_no_other_variable_shows_a_secret", "an API key that is written out")
def _(deployment):
    deployment.properties("MomentoSecret")["SecretString"] = "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl"


@planted("without_a_token_there_are_no_admin_routes", "an empty token")
def _(deployment):
    deployment.environment["GOAT_ADMIN_TOKEN"] = {"Ref": "AdminToken"}


@planted("without_a_token_there_are_no_admin_routes", "a token with which the market does not start")
def _(deployment):
    deployment.parameters["AdminToken"]["AllowedPattern"] = ".*"


# Rights -------------------------------------------------------------------------------------


@planted("the_code_may_do_what_it_does", "an action that the code calls is missing")
def _(deployment):
    deployment.statements["Data"]["Action"].remove(min(wanted()))


@planted("the_code_may_do_what_it_does", "keys that nobody can free")
def _(deployment):
    deployment.statements["Records"]["Action"] = []


@planted("only_records_can_be_deleted", "orders that can be deleted")
def _(deployment):
    del deployment.statements["Records"]["Condition"]


@planted("only_records_can_be_deleted", "records of another name")
def _(deployment):
    deployment.statements["Records"]["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"] = ["record#*"]


@planted("nothing_is_allowed_that_no_code_does", "records that can be deleted beside Momento")
def _(deployment):
    choice = deployment.properties("MarketRole")["Policies"][0]["PolicyDocument"]["Statement"]
    (entry,) = [entry for entry in choice if "Fn::If" in entry]
    choice.append(entry["Fn::If"][2])


@planted("nothing_is_allowed_that_no_code_does", "the market may delete its table")
def _(deployment):
    deployment.statements["Data"]["Action"].append("dynamodb:DeleteTable")


@planted("nothing_is_allowed_that_no_code_does", "everything on the table")
def _(deployment):
    deployment.statements["Data"]["Action"] = "dynamodb:*"


@planted("nothing_is_allowed_that_no_code_does", "a fourth service")
def _(deployment):
    statement = {"Sid": "Mail", "Effect": "Allow", "Action": "ses:SendEmail", "Resource": "*"}
    deployment.properties("MarketRole")["Policies"][0]["PolicyDocument"]["Statement"].append(statement)


@planted("each_right_is_on_its_own_resource", "every secret of the account")
def _(deployment):
    deployment.statements["ApiKey"]["Resource"] = "*"


@planted("each_right_is_on_its_own_resource", "every table of the account")
def _(deployment):
    deployment.statements["Data"]["Resource"] = {"Fn::Sub": "arn:aws:dynamodb:*:${AWS::AccountId}:table/*"}


@planted("lambda_alone_takes_the_role", "a role for everybody")
def _(deployment):
    deployment.properties("MarketRole")["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] = "*"


@planted("the_function_has_that_role_and_no_more", "a policy of SAM's that a role of one's own drops")
def _(deployment):
    deployment.function["Policies"] = [{"DynamoDBCrudPolicy": {"TableName": {"Ref": "MarketTable"}}}]


@planted("the_function_has_that_role_and_no_more", "an administrator")
def _(deployment):
    deployment.properties("MarketRole")["ManagedPolicyArns"] = ["arn:aws:iam::aws:policy/AdministratorAccess"]


# Timeouts -----------------------------------------------------------------------------------


@planted("the_function_ends_before_the_gateway_gives_up", "a function that outlasts the gateway")
def _(deployment):
    deployment.parameters["FunctionTimeout"]["MaxValue"] = 900


@planted("the_function_ends_before_the_gateway_gives_up", "the 3 s of a function without a timeout")
def _(deployment):
    deployment.function.pop("Timeout")


@planted("the_function_has_time_to_give_its_database_and_its_store_up", "5 s, which a silent database outlasts")
def _(deployment):
    deployment.parameters["FunctionTimeout"]["MinValue"] = 5


@planted("a_lease_outlasts_its_invocation", "no margin")
def _(deployment):
    deployment.environment["GOAT_LEASE_MARGIN"] = "0s"


# The front ----------------------------------------------------------------------------------


@planted("every_route_leads_to_the_market", "a method alone")
def _(deployment):
    deployment.function["Events"]["Everything"]["Properties"]["Method"] = "GET"


@planted("every_route_leads_to_the_market", "a page at / that is not there")
def _(deployment):
    del deployment.function["Events"]["Root"]


@planted("every_route_leads_to_the_market", "a second API, which SAM makes")
def _(deployment):
    del deployment.function["Events"]["Everything"]["Properties"]["RestApiId"]


@planted("requests_are_limited", "limits on one path alone")
def _(deployment):
    deployment.properties("MarketApi")["MethodSettings"][0]["ResourcePath"] = "/orders"


@planted("requests_are_limited", "no limits")
def _(deployment):
    del deployment.properties("MarketApi")["MethodSettings"]


@planted("requests_are_limited", "more than Momento admits")
def _(deployment):
    deployment.parameters["ThrottleRate"]["Default"] = 1000


@planted("bodies_pass_as_bytes", "bodies as text")
def _(deployment):
    del deployment.properties("MarketApi")["BinaryMediaTypes"]


@planted("the_base_url_is_that_of_the_stage", "another stage")
def _(deployment):
    deployment.properties("MarketApi")["StageName"] = "production"


# What stays, and what is seen ---------------------------------------------------------------


@planted("the_table_is_the_markets", "keys of another name")
def _(deployment):
    table = deployment.properties("MarketTable")
    table["AttributeDefinitions"][0]["AttributeName"] = table["KeySchema"][0]["AttributeName"] = "id"


@planted("the_table_is_the_markets", "numbers as keys")
def _(deployment):
    deployment.properties("MarketTable")["AttributeDefinitions"][1]["AttributeType"] = "N"


@planted("what_has_expired_is_deleted", "records for ever")
def _(deployment):
    del deployment.properties("MarketTable")["TimeToLiveSpecification"]


@planted("what_has_expired_is_deleted", "an attribute that no record has")
def _(deployment):
    deployment.properties("MarketTable")["TimeToLiveSpecification"]["AttributeName"] = "ttl"


@planted("orders_outlive_the_stack_and_mistakes", "orders that go with the stack")
def _(deployment):
    deployment.resources["MarketTable"]["DeletionPolicy"] = "Delete"


@planted("orders_outlive_the_stack_and_mistakes", "no way back from a mistake")
def _(deployment):
    del deployment.properties("MarketTable")["PointInTimeRecoverySpecification"]


@planted("the_log_is_kept_for_a_while_and_not_for_ever", "a log group beside the one that is written")
def _(deployment):
    del deployment.function["LoggingConfig"]["LogGroup"]


@planted("traces_go_through", "traces that end at the gateway")
def _(deployment):
    del deployment.function["Tracing"]


# What SAM makes of it -----------------------------------------------------------------------


@planted("sam_adds_what_is_expected_and_no_more", "a role of SAM's, with its managed policies")
def _(deployment):
    del deployment.function["Role"]
    del deployment.function["Tracing"]


@planted("sam_adds_what_is_expected_and_no_more", "a second API")
def _(deployment):
    del deployment.function["Events"]["Root"]["Properties"]["RestApiId"]


@planted("the_gateway_alone_calls_the_function", "an event of another service")
def _(deployment):
    deployment.function["Events"] = {"Bus": {"Type": "Schedule", "Properties": {"Schedule": "rate(1 minute)"}}}
