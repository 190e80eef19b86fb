//! Writing: one transaction a batch.

use sqlx::{
    ConnectOptions as _, Connection as _, Executor, QueryBuilder, Row as _, Sqlite, SqliteConnection,
};
use waymark_ledger::{Batch, Entry, Leaf};

use super::{SqliteStore, failed, signed, unsigned};
use crate::{Payload, StoreError};

/// Bound values a statement may have, with room to spare below SQLite's limit of 32,766.
const MAX_BOUND: usize = 8_000;

/// Of the older checkpoints, those that a multiple of this many leaves lies between stay.
const CHECKPOINT_EVERY: u64 = 256;

impl SqliteStore {
    pub(super) async fn write(&self, batch: &Batch, payloads: &[Payload]) -> Result<(), StoreError> {
        let connect = self.connect.as_ref().ok_or(StoreError::ReadOnly)?;
        let mut held = self.writer.lock().await;
        let mut writer = match held.take() {
            Some(writer) => writer,
            None => connect.connect().await.map_err(failed("connect to the database again"))?,
        };
        transact(&mut writer, batch, payloads).await?;
        *held = Some(writer);
        Ok(())
    }
}

async fn transact(
    writer: &mut SqliteConnection,
    batch: &Batch,
    payloads: &[Payload],
) -> Result<(), StoreError> {
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed("begin a batch"))?;
    expect_size(&mut transaction, batch.previous_size).await?;
    insert_leaves(&mut transaction, &batch.leaves).await?;
    insert_nodes(&mut transaction, batch).await?;
    mark_open(&mut transaction, &batch.leaves).await?;
    insert_payloads(&mut transaction, payloads).await?;
    replace_checkpoint(&mut transaction, batch).await?;
    transaction.commit().await.map_err(failed("commit a batch"))
}

async fn expect_size(connection: &mut SqliteConnection, expected: u64) -> Result<(), StoreError> {
    let row = sqlx::query("SELECT coalesce(max(leaf_index) + 1, 0) FROM entries")
        .fetch_one(connection)
        .await
        .map_err(failed("read the ledger's size"))?;
    let found = unsigned(row.try_get(0).map_err(failed("read the ledger's size"))?)?;
    if found == expected { Ok(()) } else { Err(StoreError::Conflict { expected, found }) }
}

async fn insert_leaves(connection: &mut SqliteConnection, leaves: &[Leaf]) -> Result<(), StoreError> {
    for leaves in leaves.chunks(MAX_BOUND / 4) {
        let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO entries (leaf_index, record, kind, body) ");
        query.push_values(leaves, |mut row, leaf| {
            row.push_bind(signed(leaf.index))
                .push_bind(&leaf.record.as_bytes()[..])
                .push_bind(leaf.entry.kind())
                .push_bind(&leaf.body[..]);
        });
        run(connection, query, "write leaves").await?;
    }
    Ok(())
}

async fn insert_nodes(connection: &mut SqliteConnection, batch: &Batch) -> Result<(), StoreError> {
    for nodes in batch.nodes.chunks(MAX_BOUND / 3) {
        let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO nodes (level, position, hash) ");
        query.push_values(nodes, |mut row, node| {
            row.push_bind(i64::from(node.at.level))
                .push_bind(signed(node.at.index))
                .push_bind(&node.hash[..]);
        });
        run(connection, query, "write tree nodes").await?;
    }
    Ok(())
}

/// Lists intents as open and takes completed records off the list, in the leaves' order.
async fn mark_open(connection: &mut SqliteConnection, leaves: &[Leaf]) -> Result<(), StoreError> {
    for leaf in leaves {
        let record = &leaf.record.as_bytes()[..];
        let query = match leaf.entry {
            Entry::Intent(_) => sqlx::query("INSERT INTO open_records (record, leaf_index) VALUES (?, ?)")
                .bind(record)
                .bind(signed(leaf.index)),
            Entry::Completion(_) => sqlx::query("DELETE FROM open_records WHERE record = ?").bind(record),
            Entry::Snapshot(_) => continue,
        };
        let done = query.execute(&mut *connection).await.map_err(failed("list open records"))?;
        if done.rows_affected() != 1 {
            let problem = format!("record {} has no intent to complete", leaf.record);
            return Err(StoreError::Damaged(problem));
        }
    }
    Ok(())
}

async fn insert_payloads(connection: &mut SqliteConnection, payloads: &[Payload]) -> Result<(), StoreError> {
    for payload in payloads {
        let query = match payload {
            Payload::Request { record, salt, body } => {
                sqlx::query("INSERT INTO payloads (record, salt, request) VALUES (?, ?, ?)")
                    .bind(&record.as_bytes()[..])
                    .bind(&salt[..])
                    .bind(body.as_deref())
            }
            Payload::Response { record, body } => {
                sqlx::query("UPDATE payloads SET response = ? WHERE record = ?")
                    .bind(&body[..])
                    .bind(&record.as_bytes()[..])
            }
        };
        query.execute(&mut *connection).await.map_err(failed("write salts and texts"))?;
    }
    Ok(())
}

async fn replace_checkpoint(connection: &mut SqliteConnection, batch: &Batch) -> Result<(), StoreError> {
    let size = batch.frontier.size();
    if batch.previous_size < size && batch.previous_size / CHECKPOINT_EVERY == size / CHECKPOINT_EVERY {
        sqlx::query("DELETE FROM checkpoints WHERE size = ?")
            .bind(signed(batch.previous_size))
            .execute(&mut *connection)
            .await
            .map_err(failed("drop the previous checkpoint"))?;
    }
    sqlx::query("INSERT OR REPLACE INTO checkpoints (size, note) VALUES (?, ?)")
        .bind(signed(size))
        .bind(&batch.checkpoint)
        .execute(connection)
        .await
        .map_err(failed("write the checkpoint"))?;
    Ok(())
}

async fn run(
    connection: &mut SqliteConnection,
    mut query: QueryBuilder<Sqlite>,
    operation: &'static str,
) -> Result<(), StoreError> {
    connection.execute(query.build()).await.map_err(failed(operation))?;
    Ok(())
}
