//! Rows as they are stored: nothing here believes what it reads.

use sqlx::postgres::PgRow;
use sqlx::{Column as _, Row as _, TypeInfo as _, ValueRef as _};

use crate::StoreError;
use crate::error::failed;
use crate::sql::{Fields, Value};

/// A row's values.
pub(super) fn fields(row: &PgRow) -> Result<Fields, StoreError> {
    let values = row.columns().iter().map(|column| value(row, column.ordinal()));
    Ok(Fields(values.collect::<Result<_, _>>().map_err(failed("read a column"))?))
}

fn value(row: &PgRow, at: usize) -> Result<Value, sqlx::Error> {
    let raw = row.try_get_raw(at)?;
    if raw.is_null() {
        return Ok(Value::Bytes(None));
    }
    Ok(match raw.type_info().name() {
        "INT8" => Value::Int(Some(row.try_get(at)?)),
        "INT4" => Value::Int(Some(i64::from(row.try_get::<i32, _>(at)?))),
        "BYTEA" => Value::Bytes(Some(row.try_get(at)?)),
        "VOID" => Value::Bytes(None),
        _ => Value::Text(Some(row.try_get_unchecked(at)?)),
    })
}
