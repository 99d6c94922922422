//! A stand-in for DynamoDB behind its proxy, for scripts: prints its URL, and runs until it is killed.

#![forbid(unsafe_code)]

use std::{error::Error, thread};

use test_servers::{DynamoDb, DynamoDbProxy};

fn main() -> Result<(), Box<dyn Error>> {
    let server = DynamoDb::start()?;
    let proxy = DynamoDbProxy::to(server.port())?;
    println!("{}", proxy.url());
    loop {
        thread::park();
    }
}
