//! Several processes on one file: the gate is in each of them, the lock between them is SQLite's.

use std::{collections::BTreeMap, process::Command};

use idem_core::{IdempotencyStore, RecordKey, store::Claim};

use crate::file::{File, LONG, lease, store_in};

const FILE: &str = "IDEM_SQLITE_FILE";
const KEYS: u8 = 100;

#[tokio::test]
async fn of_claims_from_several_processes_one_is_owned() {
    let file = File::new();
    drop(file.store().await);
    let spawn = || {
        Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "processes::another_process",
                "--ignored",
                "--nocapture",
            ])
            .env(FILE, file.path())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap()
    };
    let processes: Vec<_> = (0..3).map(|_| spawn()).collect();
    let mut owners = BTreeMap::<String, usize>::new();
    for process in processes {
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8(output.stdout).unwrap();
        for key in said.lines().filter_map(|line| line.strip_prefix("owned ")) {
            *owners.entry(key.to_owned()).or_default() += 1;
        }
    }
    assert_eq!(owners.len(), usize::from(KEYS));
    assert!(owners.values().all(|owners| *owners == 1), "{owners:?}");
}

#[tokio::test]
#[ignore = "runs as a process of its own, started by another test"]
async fn another_process() {
    let Some(path) = std::env::var_os(FILE) else {
        return;
    };
    let store = store_in(path).await;
    for number in 0..KEYS {
        let key = RecordKey::from_bytes([number; 32]);
        if store.claim(&key, &lease(LONG)).await.unwrap() == Claim::Owned {
            // Without a line of its own, it would stand behind the harness' words.
            println!("\nowned {number}");
        }
    }
}
