//! One store: its markets are killed and started again while clients order.

use std::ffi::OsString;
use std::sync::{Arc, PoisonError, RwLock};

use indicatif::ProgressBar;
use rand::RngExt;
use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::Failed;
use crate::clients::{Bases, Clients};
use crate::flags::{Flags, Kept};
use crate::market::{Market, Recipe};
use crate::postgres::Database;
use crate::table::Row;

/// What is tried.
#[derive(Debug)]
pub(crate) struct Trial {
    name: String,
    store: &'static str,
    database: OsString,
    /// Its server runs for as long as this is here.
    postgres: Option<Database>,
    /// Whether that crashes, and not the markets.
    crashes: bool,
    times: u64,
    _directory: Option<TempDir>,
}

impl Trial {
    /// All that the flags ask for. It blocks its thread while a server starts.
    pub(crate) fn of(flags: &Flags) -> Result<Vec<Self>, Failed> {
        let mut trials = Vec::new();
        for kept in &flags.stores {
            trials.push(Self::on_a_file(*kept, flags.kills)?);
        }
        if let Some(database) = Database::of(flags)? {
            let on_it = |name: &str, crashes, times| Self {
                name: name.to_owned(),
                store: "database",
                database: OsString::from(&database.url),
                postgres: Some(database.clone()),
                crashes,
                times,
                _directory: None,
            };
            trials.push(on_it("database (PostgreSQL)", false, flags.kills));
            if flags.crashes > 0 {
                trials.push(on_it("… PostgreSQL itself", true, flags.crashes));
            }
        }
        Ok(trials)
    }

    fn on_a_file(kept: Kept, times: u64) -> Result<Self, Failed> {
        let directory = tempfile::tempdir()?;
        let (name, store) = match kept {
            Kept::Memory => ("memory", "memory"),
            Kept::Database => ("database (SQLite)", "database"),
        };
        Ok(Self {
            name: name.to_owned(),
            store,
            database: directory.path().join("goat-market.db").into(),
            postgres: None,
            crashes: false,
            times,
            _directory: Some(directory),
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// How many kills or crashes it takes.
    pub(crate) const fn steps(&self) -> u64 {
        self.times
    }

    pub(crate) async fn run(self, flags: &Flags, bar: &ProgressBar) -> Result<Row, Failed> {
        let recipe = Recipe {
            program: flags.program.clone(),
            framework: flags.framework.name(),
            store: self.store,
            database: self.database.clone(),
        };
        let mut running = Running::start(recipe, flags.markets)?;
        let goat = goat_with_milk(&running.base()).await?;
        let before = orders(&running.base()).await?.len();
        let clients = Clients::start(flags.clients, &goat, &running.bases)?;
        for _ in 0..self.times {
            sleep(flags.pause.mul_f64(rand::rng().random_range(0.25..=1.0))).await;
            match &self.postgres {
                Some(postgres) if self.crashes => postgres.crash().await?,
                _ => running.kill_one().await?,
            }
            bar.inc(1);
        }
        let tally = clients.end().await?;
        let mut orders = orders(&running.base()).await?;
        orders.drain(..before);
        Ok(Row {
            name: self.name,
            promised: self.store == "database",
            markets: flags.markets,
            kills: self.times,
            requests: tally.requests,
            keys: tally.answered.len(),
            orders: orders.len(),
            sum: tally.judge(&orders),
            blocked: tally.blocked,
        })
    }
}

/// Markets, and where they are.
struct Running {
    recipe: Recipe,
    markets: Vec<Option<Market>>,
    bases: Bases,
}

impl Running {
    fn start(recipe: Recipe, count: u64) -> Result<Self, Failed> {
        let mut running = Self {
            recipe,
            markets: Vec::new(),
            bases: Arc::new(RwLock::default()),
        };
        for _ in 0..count {
            running.markets.push(Some(running.recipe.start()?));
        }
        running.tell();
        Ok(running)
    }

    /// Kills a market, and starts another in its place.
    async fn kill_one(&mut self) -> Result<(), Failed> {
        let victim = rand::rng().random_range(0..self.markets.len());
        // Its clients go on asking there until the next one serves.
        let dead = self.markets.get_mut(victim).and_then(Option::take);
        let recipe = self.recipe.clone();
        let next = tokio::task::spawn_blocking(move || {
            drop(dead);
            recipe.start()
        });
        let next = next.await??;
        if let Some(place) = self.markets.get_mut(victim) {
            *place = Some(next);
        }
        self.tell();
        Ok(())
    }

    fn tell(&self) {
        let markets = self.markets.iter().flatten();
        let bases = markets.map(|market| market.base.clone()).collect();
        *self.bases.write().unwrap_or_else(PoisonError::into_inner) = bases;
    }

    fn base(&self) -> String {
        let bases = self.bases.read().unwrap_or_else(PoisonError::into_inner);
        bases.first().cloned().unwrap_or_default()
    }
}

async fn goat_with_milk(base: &str) -> Result<String, Failed> {
    let http = Client::new();
    let goat = json!({"name": "Heidi", "owner": "Peter", "breed": "Nubian"});
    let made = http
        .post(format!("{base}/goats"))
        .json(&goat)
        .send()
        .await?;
    let made: Value = made.error_for_status()?.json().await?;
    let id = made["id"].as_str().ok_or("a goat has no id")?;
    let milk = json!({"name": "Milk", "description": "A litre of it", "price": 2.5});
    let offered = http.post(format!("{base}/goats/{id}/catalog")).json(&milk);
    offered.send().await?.error_for_status()?;
    Ok(id.to_owned())
}

/// Each order's quantity and id, oldest first.
async fn orders(base: &str) -> Result<Vec<(u32, String)>, Failed> {
    let listed = reqwest::get(format!("{base}/orders")).await?;
    let listed: Value = listed.error_for_status()?.json().await?;
    let orders = listed["items"].as_array().ok_or("the list has no items")?;
    let read = |order: &Value| {
        let quantity = order["items"][0]["quantity"].as_u64()?;
        let id = order["id"].as_str()?.to_owned();
        Some((u32::try_from(quantity).ok()?, id))
    };
    let read: Option<Vec<_>> = orders.iter().map(read).collect();
    read.ok_or_else(|| "an order has no quantity or no id".into())
}
