"""What the fuzzer has to know of the market beyond its document, and what it checks besides.

Every request that is done under a key is sent twice more: as it was, and with another payload.
"""

import atexit
import copy
import json
import os
import re
import threading
from collections import Counter

import requests
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

counts = Counter()
CONFORMANCE = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]


# Refusals of valid requests -----------------------------------------------------------------


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Drops the failure "a valid request was rejected" where what is wrong is not in the request alone."""
    if type(failure).__name__ != "RejectedPositiveData":
        return True
    # A key that came before with another request: the mismatch is what the key is for.
    if first(response, "idempotency-refusal") == "idempotency-key-reused":
        return False
    # An order for what no goat offers: no schema knows the catalogs. `from_the_catalog` makes others.
    if case.operation.label == "POST /orders" and response.status_code == 400:
        return not re.match(r"items\[\d+\] asks for .*, which is not in the catalog of a goat", response.json()["message"])
    return True


# Goats that there are -----------------------------------------------------------------------

GOAT = re.compile("[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}")
on_offer = {}


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    """Turns most well-formed ids of goats into one that there is."""
    if is_replaced(goat := (path_parameters or {}).get("goatId")):
        return {**path_parameters, "goatId": goat_with_milk(context.operation.schema)}
    return path_parameters


@schemathesis.hook("map_body").apply_to(method="POST", path="/orders")
def from_the_catalog(context, body):
    """Turns most of the goats that an order names into one that offers milk."""
    if not isinstance(body, dict) or not isinstance(body.get("items"), list):
        return body
    body = copy.deepcopy(body)
    for item in body["items"]:
        if isinstance(item, dict) and isinstance(item.get("catalogItem"), str):
            if is_replaced(item.get("goatId")):
                item["goatId"], item["catalogItem"] = goat_with_milk(context.operation.schema), "Milk"
    return body


def is_replaced(goat):
    # What is no id stays what it is: it has to be refused. A few ids stay unknown.
    return isinstance(goat, str) and GOAT.fullmatch(goat) and ord(goat[-1]) % 4


def goat_with_milk(schema):
    base = schema.get_base_url().rstrip("/")
    if base not in on_offer:
        key = {"idempotency-key": "the-fuzzers-goat"}
        goat = {"name": "Heidi", "owner": "Peter", "breed": "Nubian"}
        answer = requests.post(f"{base}/goats", json=goat, headers=key, timeout=30)
        answer.raise_for_status()
        milk = {"name": "Milk", "description": "A litre of it", "price": 2.5}
        requests.post(f"{base}/goats/{answer.json()['id']}/catalog", json=milk, timeout=30).raise_for_status()
        on_offer[base] = answer.json()["id"]
    return on_offer[base]


# Duplicates ---------------------------------------------------------------------------------


@schemathesis.check
def a_duplicate_gets_its_outcome(ctx, response, case):
    sent = response.request
    if response.status_code != 201 or "idempotency-key" not in sent.headers:
        return
    replay = send(sent, case)
    assert replay.status_code == 201 and replay.content == response.content, f"no replay: {replay.text}"
    assert replay.headers.get("idempotency-replayed") == "true", "a replay without its mark"
    other = sent.copy()
    other.prepare_body(None, None, json={"another": "payload"})
    refused = send(other, case)
    code = refused.headers.get("idempotency-refusal")
    assert code == "idempotency-key-reused", f"{refused.status_code} {code}: {refused.text}"
    if case.operation.label == "POST /orders":
        two_at_once(sent, case)


def two_at_once(sent, case):
    """Sends a new request twice at once: one is done, the other is told so or gets the replay."""
    twin = sent.copy()
    twin.headers["idempotency-key"] = os.urandom(16).hex()
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(deliver(twin))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for answer in answers:
        case.validate_response(answer, checks=CONFORMANCE)
        count(case, answer)
    done = [answer for answer in answers if answer.status_code == 201 and "idempotency-replayed" not in answer.headers]
    assert len(done) == 1, f"{len(done)} of two at once were done"


def send(request, case):
    answer = deliver(request)
    count(case, answer)
    case.validate_response(answer, checks=CONFORMANCE)
    return answer


def deliver(request):
    with requests.Session() as session:
        return session.send(request, timeout=30)


# Counts -------------------------------------------------------------------------------------


@schemathesis.hook
def after_call(context, case, response):
    count(case, response)


def count(case, response):
    counts["calls"] += 1
    counts[f"status {response.status_code}"] += 1
    if first(response, "idempotency-replayed"):
        counts["replayed"] += 1
    if code := first(response, "idempotency-refusal"):
        counts[code] += 1


def first(response, header):
    """A header of a response of either kind: of requests, or of Schemathesis, where each has a list of values."""
    value = response.headers.get(header)
    return value[0] if isinstance(value, list) and value else value


@atexit.register
def report():
    if path := os.environ.get("FUZZ_COUNTS"):
        calls = counts.pop("calls", 0)
        rest = ", ".join(f"{name} {number}" for name, number in sorted(counts.items()))
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"{calls} calls: {rest}\n" if calls else "")
