//! Rows as they are stored: nothing here believes what it reads.

use sqlx::sqlite::SqliteRow;
use sqlx::{Column as _, Row as _, TypeInfo as _, ValueRef as _};

use crate::StoreError;
use crate::error::failed;
use crate::sql::{Fields, Value};

/// A row's values.
pub(super) fn fields(row: &SqliteRow) -> Result<Fields, StoreError> {
    let values = row.columns().iter().map(|column| value(row, column.ordinal()));
    Ok(Fields(values.collect::<Result<_, _>>().map_err(failed("read a column"))?))
}

fn value(row: &SqliteRow, at: usize) -> Result<Value, sqlx::Error> {
    let raw = row.try_get_raw(at)?;
    if raw.is_null() {
        return Ok(Value::Bytes(None));
    }
    let kind = raw.type_info();
    Ok(match kind.name() {
        "INTEGER" | "BOOLEAN" => Value::Int(Some(row.try_get_unchecked(at)?)),
        "BLOB" => Value::Bytes(Some(row.try_get_unchecked(at)?)),
        // Text is read as bytes: a damaged one must still be readable, to be named.
        _ => {
            let bytes: Vec<u8> = row.try_get_unchecked(at)?;
            let lossy = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
            Value::Text(Some(String::from_utf8(bytes).unwrap_or_else(|error| lossy(error.into_bytes()))))
        }
    })
}
