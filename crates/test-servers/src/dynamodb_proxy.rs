//! What stands between a client and a stand-in for DynamoDB, counts requests, gets in their way, and does what
//! DynamoDB documents and moto does not.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    io::{self, Read, Write},
    net::TcpStream,
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use serde_json::{Value, json};

use crate::{
    faulty_proxy::{reset, wait_for_the_end},
    http_request::HttpRequest,
    lock,
    relay::listen,
};

/// How long DynamoDB remembers a `ClientRequestToken`.
const TOKEN_LIFE: Duration = Duration::from_secs(10 * 60);

/// A proxy for the JSON protocol of DynamoDB.
///
/// Operations have the names of the API, such as `PutItem`. A transaction that comes again under its
/// `ClientRequestToken` gets its first answer, if it was committed. Threads end with their connections; the one
/// that listens, with the process.
#[derive(Debug)]
pub struct DynamoDbProxy {
    port: u16,
    state: Arc<State>,
}

/// What happens to a request, or to its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DynamoDbFault {
    /// The connection is reset before the request arrives.
    CutBefore,
    /// The connection is reset when the request has arrived: it is done, and its answer is lost.
    CutAfter,
    /// The connection is reset, and the request arrives only when [`DynamoDbProxy::deliver`] is called.
    Late,
    /// The request is not done, and the client hears nothing.
    Hang,
    /// The request is done, and its answer says `InternalServerError`.
    InternalAfter,
    /// `ThrottlingException`.
    Throttle,
    /// `ProvisionedThroughputExceededException`.
    Exceeded,
    /// `AccessDeniedException`.
    Deny,
    /// Another transaction is in the way of the item at this position, or of the last item before it; a request for
    /// one item has one position.
    Conflict(usize),
}

#[derive(Debug)]
struct State {
    server: u16,
    seen: Mutex<Seen>,
    /// Answers to transactions, by their tokens. Held while one is asked for, so that a second one waits.
    remembered: Mutex<HashMap<String, Remembered>>,
    /// How often late requests may arrive.
    delivered: Mutex<bool>,
    delivery: Condvar,
}

#[derive(Debug, Default)]
struct Seen {
    counts: BTreeMap<String, usize>,
    next: BTreeMap<String, VecDeque<DynamoDbFault>>,
    always: BTreeMap<String, DynamoDbFault>,
    eventual_reads: usize,
    /// In seconds.
    skew: i64,
}

#[derive(Debug)]
struct Remembered {
    at: Instant,
    body: Vec<u8>,
    answer: Vec<u8>,
}

impl DynamoDbProxy {
    /// Stands in front of the server on this port.
    ///
    /// # Errors
    /// No port is free.
    pub fn to(server: u16) -> io::Result<Self> {
        let state = Arc::new(State {
            server,
            seen: Mutex::default(),
            remembered: Mutex::default(),
            delivered: Mutex::default(),
            delivery: Condvar::new(),
        });
        let shared = Arc::clone(&state);
        let port = listen(move |client| shared.relay(client))?;
        Ok(Self { port, state })
    }

    /// The URL for clients.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How often each operation was asked for, faults included.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<String, usize> {
        lock(&self.state.seen).counts.clone()
    }

    /// How often this operation was asked for.
    #[must_use]
    pub fn count(&self, operation: &str) -> usize {
        self.counts().get(operation).copied().unwrap_or_default()
    }

    /// How many requests there were.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.counts().values().sum()
    }

    /// Counts from zero again.
    pub fn forget_counts(&self) {
        lock(&self.state.seen).counts.clear();
    }

    /// How many reads of one table did not ask to be consistent.
    #[must_use]
    pub fn eventual_reads(&self) -> usize {
        lock(&self.state.seen).eventual_reads
    }

    /// Does this to the next requests for this operation, one after the other.
    pub fn next(&self, operation: &str, faults: &[DynamoDbFault]) {
        let mut seen = lock(&self.state.seen);
        seen.next
            .entry(operation.into())
            .or_default()
            .extend(faults);
    }

    /// Whether each of the [next](Self::next) faults has met its request.
    #[must_use]
    pub fn is_done(&self) -> bool {
        lock(&self.state.seen).next.values().all(VecDeque::is_empty)
    }

    /// Does this to all requests for this operation from now on; `None` ends it.
    pub fn always(&self, operation: &str, fault: Option<DynamoDbFault>) {
        let always = &mut lock(&self.state.seen).always;
        match fault {
            Some(fault) => always.insert(operation.into(), fault),
            None => always.remove(operation),
        };
    }

    /// Lets the answers' `Date` be so many seconds ahead of this machine's clock, or behind it.
    pub fn skew(&self, seconds: i64) {
        lock(&self.state.seen).skew = seconds;
    }

    /// Lets the requests that are [late](DynamoDbFault::Late) arrive, and those that will be.
    pub fn deliver(&self) {
        *lock(&self.state.delivered) = true;
        self.state.delivery.notify_all();
    }
}

impl State {
    /// One request a connection, so that none is sent on one that is about to be closed.
    fn relay(&self, mut client: TcpStream) -> io::Result<()> {
        client.set_nodelay(true)?;
        let request = HttpRequest::read(&client)?;
        let operation = operation(&request);
        let fault = self.see(&operation, &request.body);
        match fault {
            None => client.write_all(&self.ask(&request)?),
            Some(DynamoDbFault::CutBefore) => reset(&client),
            Some(DynamoDbFault::CutAfter) => {
                self.ask(&request)?;
                reset(&client)
            }
            Some(DynamoDbFault::Late) => {
                reset(&client)?;
                drop(client);
                let delivered = self.delivery.wait_while(lock(&self.delivered), |it| !*it);
                drop(delivered.unwrap_or_else(PoisonError::into_inner));
                self.ask(&request).map(drop)
            }
            Some(DynamoDbFault::Hang) => wait_for_the_end(&mut client),
            Some(DynamoDbFault::InternalAfter) => {
                self.ask(&request)?;
                client.write_all(&self.refusal(500, "InternalServerError", &json!({})))
            }
            Some(DynamoDbFault::Throttle) => {
                client.write_all(&self.refusal(400, "ThrottlingException", &json!({})))
            }
            Some(DynamoDbFault::Exceeded) => {
                let kind = "ProvisionedThroughputExceededException";
                client.write_all(&self.refusal(400, kind, &json!({})))
            }
            Some(DynamoDbFault::Deny) => {
                client.write_all(&self.refusal(400, "AccessDeniedException", &json!({})))
            }
            Some(DynamoDbFault::Conflict(position)) => {
                client.write_all(&self.conflict(&request.body, position))
            }
        }
    }

    fn see(&self, operation: &str, body: &[u8]) -> Option<DynamoDbFault> {
        let mut seen = lock(&self.seen);
        *seen.counts.entry(operation.into()).or_default() += 1;
        if ["BatchGetItem", "GetItem", "Query", "Scan"].contains(&operation) {
            seen.eventual_reads += usize::from(parsed(body)["ConsistentRead"] != true);
        }
        let always = seen.always.get(operation).copied();
        always.or_else(|| seen.next.get_mut(operation)?.pop_front())
    }

    /// Passes a request on, or gives the answer that its token had.
    fn ask(&self, request: &HttpRequest) -> io::Result<Vec<u8>> {
        if operation(request) != "TransactWriteItems" {
            return self.pass(request);
        }
        let body = parsed(&request.body);
        let Some(token) = body["ClientRequestToken"].as_str() else {
            return self.pass(request);
        };
        let mut remembered = lock(&self.remembered);
        remembered.retain(|_, answered| answered.at.elapsed() < TOKEN_LIFE);
        match remembered.get(token) {
            Some(answered) if answered.body == request.body => Ok(answered.answer.clone()),
            Some(_) => Ok(self.refusal(400, "IdempotentParameterMismatchException", &json!({}))),
            None => {
                let answer = self.pass(request)?;
                if is_ok(&answer) {
                    let (at, body) = (Instant::now(), request.body.clone());
                    let answer = answer.clone();
                    remembered.insert(token.into(), Remembered { at, body, answer });
                }
                Ok(answer)
            }
        }
    }

    fn pass(&self, request: &HttpRequest) -> io::Result<Vec<u8>> {
        let mut server = TcpStream::connect(("127.0.0.1", self.server))?;
        server.set_nodelay(true)?;
        server.write_all(&request.for_server(None))?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer)?;
        Ok(self.dated(&answer))
    }

    /// The answer with the proxy's idea of time, on a connection that ends with it.
    fn dated(&self, answer: &[u8]) -> Vec<u8> {
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let (head, rest) = answer.split_at(end.unwrap_or(answer.len()));
        let head = String::from_utf8_lossy(head);
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .unwrap_or_default()
            .replacen("HTTP/1.0", "HTTP/1.1", 1);
        let mut dated = format!("{status}\r\nDate: {}\r\nConnection: close", self.date());
        for line in lines {
            let name = line.split(':').next().unwrap_or_default();
            if !["connection", "date"].contains(&name.to_ascii_lowercase().as_str()) {
                dated += &format!("\r\n{line}");
            }
        }
        [dated.as_bytes(), rest].concat()
    }

    fn date(&self) -> String {
        let now = SystemTime::now();
        let skew = lock(&self.seen).skew;
        let distance = Duration::from_secs(skew.unsigned_abs());
        let shifted = match skew >= 0 {
            true => now.checked_add(distance),
            false => now.checked_sub(distance),
        };
        httpdate::fmt_http_date(shifted.unwrap_or(now))
    }

    fn refusal(&self, status: u16, kind: &str, more: &Value) -> Vec<u8> {
        let mut body = json!({
            "__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"),
            "message": "the proxy of the tests says so",
        });
        if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
            body.extend(more.clone());
        }
        let body = body.to_string();
        let head = format!(
            "HTTP/1.1 {status} Planted\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        self.dated((head + &body).as_bytes())
    }

    /// A transaction names the reason of each of its items; a request for one item is refused by itself.
    fn conflict(&self, body: &[u8], position: usize) -> Vec<u8> {
        let request = parsed(body);
        let Some(items) = request["TransactItems"].as_array() else {
            return self.refusal(400, "TransactionConflictException", &json!({}));
        };
        let position = position.min(items.len().saturating_sub(1));
        let reason = |index| match index == position {
            true => {
                json!({"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"})
            }
            false => json!({"Code": "None"}),
        };
        let reasons: Vec<_> = (0..items.len()).map(reason).collect();
        let more = json!({ "CancellationReasons": reasons });
        self.refusal(400, "TransactionCanceledException", &more)
    }
}

/// What stands behind the version in `X-Amz-Target`.
fn operation(request: &HttpRequest) -> String {
    let target = request.header("x-amz-target").unwrap_or_default();
    let target = String::from_utf8_lossy(target);
    target.rsplit('.').next().unwrap_or_default().to_owned()
}

fn parsed(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}

fn is_ok(answer: &[u8]) -> bool {
    let status = answer.split(|byte| *byte == b' ').nth(1);
    status.is_some_and(|status| status == b"200")
}

#[cfg(test)]
mod tests;
