//! The market as a function behind a REST API, with its records on a stand-in for Momento.

use std::env;
use std::ops::Deref;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use momento_emulator::Emulator;
use serde_json::json;
use tempfile::TempDir;

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
    pub(crate) base: String,
    customer: Customer,
    _directory: TempDir,
}

/// How a market differs from others.
#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) timeout: Duration,
    pub(crate) told_deadline: Option<u64>,
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
        let mut data = program();
        data.args(database(&directory).await);
        let arguments: Vec<_> = data.get_args().map(ToOwned::to_owned).collect();
        let (endpoint, key) = (emulator.endpoint(), emulator.api_key());
        let (timeout, told_deadline) = (options.timeout, options.told_deadline);
        let program = move |number| {
            let mut program = program();
            program
                .args(&arguments)
                .args(["--store", "momento", "--momento-endpoint", &endpoint])
                .args(&options.flags);
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
            customer: Customer::of(base.clone()),
            base,
            _directory: directory,
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

/// A fresh table where there is DynamoDB, and a file for all instances of this machine otherwise or with
/// `GOAT_TEST_DATABASE=sqlite`.
async fn database(directory: &TempDir) -> [String; 2] {
    let sqlite = env::var_os("GOAT_TEST_DATABASE").is_some_and(|name| name == "sqlite");
    match env::var("AWS_ENDPOINT_URL") {
        Ok(_) if !sqlite => ["--dynamodb-table".to_owned(), table().await],
        _ => {
            let path = directory.path().join("goats.db");
            ["--database".to_owned(), path.display().to_string()]
        }
    }
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
