//! Writing: a script is handed over as one text, because every hand-over to the database's thread costs about as much as
//! a durable write.

use futures_util::TryStreamExt as _;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Arguments as _, AssertSqlSafe, Either, Executor as _};

use super::rows;
use crate::StoreError;
use crate::error::failed;
use crate::sql::{Outcome, Script, Value};

/// Scripts of at most this many statements are of few shapes, whose prepared statements are worth keeping.
const COMMON: usize = 32;
const COMMON_BYTES: usize = 4_096;

/// Runs every statement within a transaction, which may have begun already, says no as soon as one does not come to what it must, and commits.
pub(super) async fn run(
    script: Script,
    writer: &mut SqliteConnection,
    has_begun: bool,
) -> Result<(), StoreError> {
    let (mut text, mut values, mut outcomes) = (String::new(), Vec::new(), Vec::new());
    if !has_begun {
        text.push_str("BEGIN IMMEDIATE;\n");
        outcomes.push(Outcome::Any);
    }
    for statement in script.statements {
        text.push_str(&statement.sql);
        text.push_str(";\n");
        values.extend(statement.values);
        outcomes.push(statement.outcome);
    }
    let keep = outcomes.len() <= COMMON && text.len() <= COMMON_BYTES;
    let query = sqlx::query_with(AssertSqlSafe(text), arguments(values)?).persistent(keep);
    let mut results = writer.fetch_many(query);
    let mut outcomes = outcomes.into_iter();
    let (mut outcome, mut found) = (outcomes.next(), None);
    while let Some(result) = results.try_next().await.map_err(failed("write a batch"))? {
        match result {
            Either::Right(row) => found = Some(rows::fields(&row)?),
            Either::Left(done) => {
                check(outcome.take(), found.take().as_ref(), done.rows_affected())?;
                outcome = outcomes.next();
            }
        }
    }
    drop(results);
    writer.execute("COMMIT").await.map_err(failed("commit a batch"))?;
    Ok(())
}

fn check(outcome: Option<Outcome>, row: Option<&crate::sql::Fields>, changed: u64) -> Result<(), StoreError> {
    outcome.map_or(Ok(()), |outcome| outcome.check(row, changed))
}

/// Values as SQLite takes them.
pub(super) fn arguments(values: Vec<Value>) -> Result<SqliteArguments, StoreError> {
    let mut arguments = SqliteArguments::default();
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
