//! The market as a function behind a REST API, with its records beside its data or on a stand-in for Momento.

use std::env;
use std::ops::Deref;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use momento_emulator::{Emulator, Method};
use serde_json::json;
use tempfile::TempDir;
use test_servers::DynamoDbProxy;

use crate::customer::Customer;
use crate::function::{Function, Settings, serve};
use crate::stand_in;

/// What of the environment the SDKs of AWS need.
const AWS: [&str; 5] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
];

/// A market of its own; it ends with its test.
pub(crate) struct Market {
    pub(crate) function: Arc<Function>,
    pub(crate) emulator: Arc<Emulator>,
    /// What stands between the instances and DynamoDB, where there is that.
    pub(crate) table: Option<DynamoDbProxy>,
    on_momento: bool,
    /// How far the clock was turned forward, in seconds.
    ahead: AtomicU64,
    pub(crate) base: String,
    customer: Customer,
    _directory: TempDir,
}

/// How a market differs from others.
#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) timeout: Duration,
    pub(crate) told_deadline: Option<u64>,
    /// Whether the records are in Momento, and not with the goats and orders.
    pub(crate) on_momento: bool,
    /// Flags of every instance.
    pub(crate) flags: Vec<&'static str>,
    /// Flags of the first instance besides.
    pub(crate) of_the_first: Vec<&'static str>,
    /// Where the key is, if not in the environment.
    pub(crate) secret: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            // So long that it is passed by nothing but what is meant to.
            timeout: Duration::from_secs(300),
            told_deadline: None,
            on_momento: false,
            flags: Vec::new(),
            of_the_first: Vec::new(),
            secret: None,
        }
    }
}

impl Market {
    pub(crate) async fn start(options: Options) -> Self {
        Self::on(Arc::new(Emulator::start().unwrap()), options).await
    }

    pub(crate) async fn on(emulator: Arc<Emulator>, options: Options) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let table = on_dynamodb().then(stand_in::proxy);
        let url = table.as_ref().map(DynamoDbProxy::url);
        let mut arguments = database(&directory).await.to_vec();
        if options.on_momento {
            let endpoint = emulator.endpoint();
            let momento = ["--store", "momento", "--momento-endpoint", &endpoint];
            arguments.extend(momento.map(str::to_owned));
        }
        let (key, on_momento) = (emulator.api_key(), options.on_momento);
        let (timeout, told_deadline) = (options.timeout, options.told_deadline);
        let program = move |number| {
            let mut program = program();
            program.args(&arguments).args(&options.flags);
            program.envs(url.as_ref().map(|url| ("AWS_ENDPOINT_URL", url)));
            if number == 0 {
                program.args(&options.of_the_first);
            }
            match &options.secret {
                Some(name) => program.args(["--momento-secret", name]),
                None => program.env("MOMENTO_API_KEY", &key),
            };
            program
        };
        let function = Function::new(Settings {
            program: Box::new(program),
            timeout,
            told_deadline,
            instances: 8,
        });
        let address = serve(Arc::clone(&function)).await;
        let base = format!("http://{address}");
        Self {
            function,
            emulator,
            table,
            on_momento,
            ahead: AtomicU64::default(),
            customer: Customer::of(base.clone()),
            base,
            _directory: directory,
        }
    }
}

impl Market {
    /// How many claims there were, and whatever else writes by the same call.
    pub(crate) fn claims(&self) -> u64 {
        match (self.on_momento, &self.table) {
            (false, Some(table)) => table.count("PutItem") as u64,
            _ => self.emulator.calls().of(Method::SetIf),
        }
    }

    /// Turns the clock by which leases end forward.
    pub(crate) fn advance(&self, seconds: u64) {
        let ahead = seconds + self.ahead.fetch_add(seconds, Ordering::SeqCst);
        match (self.on_momento, &self.table) {
            (false, Some(table)) => table.skew(i64::try_from(ahead).unwrap()),
            _ => self.emulator.clock().advance(Duration::from_secs(seconds)),
        }
    }
}

impl Deref for Market {
    type Target = Customer;

    fn deref(&self) -> &Customer {
        &self.customer
    }
}

/// The program with nothing of this process's environment but what leads to AWS.
pub(crate) fn program() -> Command {
    let path = env::var_os("GOAT_API_SERVERLESS");
    let mut program = Command::new(path.expect("GOAT_API_SERVERLESS names the program"));
    let aws = AWS
        .iter()
        .filter_map(|name| Some((name, env::var_os(name)?)));
    program.env_clear().envs(aws).env("RUST_LOG", "error");
    program
}

fn on_dynamodb() -> bool {
    let sqlite = env::var_os("GOAT_TEST_DATABASE").is_some_and(|name| name == "sqlite");
    env::var_os("AWS_ENDPOINT_URL").is_some() && !sqlite
}

/// A fresh table where there is DynamoDB, and a file for all instances of this machine otherwise or with
/// `GOAT_TEST_DATABASE=sqlite`.
async fn database(directory: &TempDir) -> [String; 2] {
    if on_dynamodb() {
        return ["--dynamodb-table".to_owned(), table().await];
    }
    let path = directory.path().join("goats.db");
    ["--database".to_owned(), path.display().to_string()]
}

async fn table() -> String {
    let name = format!("goats-{}", uuid::Uuid::now_v7());
    let attribute = |name: &str| json!({"AttributeName": name, "AttributeType": "S"});
    let key = |name: &str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
    let table = json!({
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [attribute("pk"), attribute("sk")],
        "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")],
    });
    stand_in::call("dynamodb", "DynamoDB_20120810.CreateTable", &table).await;
    name
}
