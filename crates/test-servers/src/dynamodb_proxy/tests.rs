use super::*;
use crate::DynamoDb;

/// A stand-in with the table `t`, behind a proxy.
fn table() -> (DynamoDb, DynamoDbProxy) {
    let server = DynamoDb::start().unwrap();
    let proxy = DynamoDbProxy::to(server.port()).unwrap();
    let created = ask(
        &proxy,
        "CreateTable",
        &json!({
            "TableName": "t",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        }),
    );
    assert!(is_ok(created.as_bytes()), "{created}");
    proxy.forget_counts();
    (server, proxy)
}

/// The answer to a request, head and body; empty if the connection is cut.
fn ask(proxy: &DynamoDbProxy, operation: &str, body: &Value) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", proxy.port)).unwrap();
    let body = body.to_string();
    let request = format!(
        "POST / HTTP/1.1\r\nHost: dynamodb.us-east-1.amazonaws.com\r\nX-Amz-Target: DynamoDB_20120810.{operation}\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=t/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, \
         Signature=0\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    match stream.read_to_string(&mut answer) {
        Ok(_) => answer,
        Err(_) => String::new(),
    }
}

fn put(key: &str) -> Value {
    json!({"TableName": "t", "Item": {"pk": {"S": key}}})
}

fn is_there(proxy: &DynamoDbProxy, key: &str) -> bool {
    let get = json!({"TableName": "t", "Key": {"pk": {"S": key}}, "ConsistentRead": true});
    ask(proxy, "GetItem", &get).contains("\"Item\"")
}

/// A transaction that adds what must be absent.
fn adding(token: &str, keys: &[&str]) -> Value {
    let items = keys.iter().map(|key| {
        let mut put = put(key);
        put["ConditionExpression"] = "attribute_not_exists(pk)".into();
        json!({ "Put": put })
    });
    json!({"ClientRequestToken": token, "TransactItems": items.collect::<Vec<_>>()})
}

#[test]
#[ignore = "starts moto"]
fn requests_are_counted_by_their_operation() {
    let (_server, proxy) = table();
    ask(&proxy, "PutItem", &put("a"));
    assert!(is_there(&proxy, "a") && !is_there(&proxy, "b"));
    ask(&proxy, "Scan", &json!({"TableName": "t"}));
    assert_eq!((proxy.count("PutItem"), proxy.count("GetItem")), (1, 2));
    assert_eq!(proxy.requests(), 4);
    assert_eq!(proxy.eventual_reads(), 1);
}

#[test]
#[ignore = "starts moto"]
fn a_request_is_lost_on_its_way_or_on_its_way_back() {
    let (_server, proxy) = table();
    proxy.next(
        "PutItem",
        &[DynamoDbFault::CutBefore, DynamoDbFault::CutAfter],
    );
    assert_eq!(ask(&proxy, "PutItem", &put("before")), "");
    assert!(!proxy.is_done());
    assert_eq!(ask(&proxy, "PutItem", &put("after")), "");
    assert!(proxy.is_done());
    assert!(!is_there(&proxy, "before") && is_there(&proxy, "after"));
}

#[test]
#[ignore = "starts moto"]
fn a_late_request_arrives_when_it_is_let() {
    let (_server, proxy) = table();
    proxy.next("PutItem", &[DynamoDbFault::Late]);
    assert_eq!(ask(&proxy, "PutItem", &put("late")), "");
    assert!(!is_there(&proxy, "late"));
    proxy.deliver();
    let begun = Instant::now();
    while !is_there(&proxy, "late") {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "it never arrived"
        );
    }
}

#[test]
#[ignore = "starts moto"]
fn a_transaction_under_the_same_token_gets_its_first_answer() {
    let (_server, proxy) = table();
    let both = adding("token", &["a", "b"]);
    assert!(is_ok(ask(&proxy, "TransactWriteItems", &both).as_bytes()));
    assert!(is_ok(ask(&proxy, "TransactWriteItems", &both).as_bytes()));
    let other = ask(&proxy, "TransactWriteItems", &adding("token", &["c"]));
    assert!(
        other.contains("IdempotentParameterMismatchException"),
        "{other}"
    );
    let cancelled = ask(&proxy, "TransactWriteItems", &adding("another", &["a"]));
    assert!(cancelled.contains("ConditionalCheckFailed"), "{cancelled}");
}

#[test]
#[ignore = "starts moto"]
fn a_conflict_names_its_position_and_does_nothing() {
    let (_server, proxy) = table();
    // Position 7 does not exist, so the last one is taken.
    for (position, codes) in [
        (0, ["TransactionConflict", "None"]),
        (1, ["None", "TransactionConflict"]),
        (7, ["None", "TransactionConflict"]),
    ] {
        proxy.next("TransactWriteItems", &[DynamoDbFault::Conflict(position)]);
        let answer = ask(&proxy, "TransactWriteItems", &adding("t", &["a", "b"]));
        let body: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
        for (index, code) in codes.into_iter().enumerate() {
            assert_eq!(body["CancellationReasons"][index]["Code"], code);
        }
    }
    proxy.always("PutItem", Some(DynamoDbFault::Conflict(0)));
    let answer = ask(&proxy, "PutItem", &put("a"));
    assert!(answer.contains("#TransactionConflictException"), "{answer}");
    proxy.always("PutItem", None);
    assert!(!is_there(&proxy, "a"));
}

#[test]
#[ignore = "starts moto"]
fn an_answer_has_the_date_that_it_is_given() {
    let (_server, proxy) = table();
    let ahead = |answer: &str| {
        let date = answer.lines().find_map(|line| line.strip_prefix("Date: "));
        let date = httpdate::parse_http_date(date.unwrap()).unwrap();
        date.duration_since(SystemTime::now()).unwrap_or_default()
    };
    proxy.skew(3600);
    assert!(ahead(&ask(&proxy, "PutItem", &put("a"))) > Duration::from_secs(3500));
    proxy.next("PutItem", &[DynamoDbFault::Throttle]);
    let refused = ask(&proxy, "PutItem", &put("a"));
    assert!(refused.starts_with("HTTP/1.1 400"), "{refused}");
    assert!(ahead(&refused) > Duration::from_secs(3500));
    proxy.skew(0);
    assert!(ahead(&ask(&proxy, "PutItem", &put("a"))) < Duration::from_secs(60));
}
