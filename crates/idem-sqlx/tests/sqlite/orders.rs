//! The orders of a market whose process is killed, in a file of their own.

use crate::file::File;
pub(crate) use crate::file::store_in;

pub(crate) struct Orders(File);

impl Orders {
    pub(crate) async fn new() -> Self {
        let file = File::new();
        drop(file.store().await);
        file.run("CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT NOT NULL)")
            .await;
        Self(file)
    }

    /// Where they are, for the market's process.
    pub(crate) fn place(&self) -> String {
        self.0.path().display().to_string()
    }

    /// Their items and numbers.
    pub(crate) async fn all(&self) -> Vec<(String, i64)> {
        let asking = sqlx::query_as("SELECT item, id FROM orders");
        asking.fetch_all(&self.0.pool).await.unwrap()
    }
}
