//! Writing: one transaction a script, one statement after another.

use futures_util::TryStreamExt as _;
use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::{Arguments as _, AssertSqlSafe, Either, Executor as _};

use super::rows;
use crate::StoreError;
use crate::error::failed;
use crate::sql::{Script, Statement, Value};

/// Statements of at most this many values are of few shapes, which are worth keeping prepared.
const COMMON: usize = 64;

/// Runs every statement within a transaction, says no as soon as one does not come to what it must, and commits.
pub(super) async fn run(script: Script, connection: &mut PgConnection) -> Result<(), StoreError> {
    connection.execute("BEGIN").await.map_err(failed("begin a batch"))?;
    for statement in script.statements {
        step(statement, connection).await?;
    }
    connection.execute("COMMIT").await.map_err(failed("commit a batch"))?;
    Ok(())
}

async fn step(statement: Statement, connection: &mut PgConnection) -> Result<(), StoreError> {
    let keep = statement.values.len() <= COMMON;
    let sql = AssertSqlSafe(numbered(&statement.sql));
    let query = sqlx::query_with(sql, arguments(statement.values)?).persistent(keep);
    let mut results = connection.fetch_many(query);
    let (mut found, mut changed) = (None, 0);
    while let Some(result) = results.try_next().await.map_err(failed("write a batch"))? {
        match result {
            Either::Right(row) => found = Some(rows::fields(&row)?),
            Either::Left(done) => changed = done.rows_affected(),
        }
    }
    statement.outcome.check(found.as_ref(), changed)
}

/// The statement with its places numbered. No statement of ours has a question mark in a text.
pub(super) fn numbered(sql: &str) -> String {
    let mut numbered = String::with_capacity(sql.len() + 64);
    for (at, part) in sql.split('?').enumerate() {
        if at > 0 {
            numbered.push('$');
            numbered.push_str(&at.to_string());
        }
        numbered.push_str(part);
    }
    numbered
}

/// Values as PostgreSQL takes them.
pub(super) fn arguments(values: Vec<Value>) -> Result<PgArguments, StoreError> {
    let mut arguments = PgArguments::default();
    for value in values {
        let added = match value {
            Value::Int(value) => arguments.add(value),
            Value::Text(value) => arguments.add(value),
            Value::Bytes(value) => arguments.add(value),
        };
        added.map_err(|source| failed("hand over a value")(sqlx::Error::Encode(source)))?;
    }
    Ok(arguments)
}
