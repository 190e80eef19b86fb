//! Emissions by what they are looked up by: the lines they add, and the files they are for.

use waymark_ledger::Week;
use waymark_types::{RecordId, Timestamp};

use crate::append::record_id;
use crate::sql::Value;
use crate::{LedgerStore, StoreError};

/// Marks that are looked up at a time.
const AT_ONCE: usize = 2_000;
/// Records of a week that are read for one question, those with the most of the marks.
const MOST: usize = 400;
/// The same for the marks of files, the newest.
const NEWEST: usize = 64;

/// Emissions as they are kept, and the record they belong to.
pub type StoredEmissions = (RecordId, Vec<u8>);

impl LedgerStore {
    /// Emissions that have any of these marks of lines, put out no later than `until`: of each week those with the most
    /// of them.
    pub async fn emissions_of_lines(
        &self,
        marks: &[u64],
        until: Timestamp,
    ) -> Result<Vec<StoredEmissions>, StoreError> {
        let ranked = format!("GROUP BY record ORDER BY count(*) DESC, record DESC LIMIT {MOST}");
        self.emissions_with(marks, until, &ranked).await
    }

    /// The newest emissions of each week that have any of these marks of files or of records, put out no later than
    /// `until`.
    pub async fn emissions_about(
        &self,
        marks: &[u64],
        until: Timestamp,
    ) -> Result<Vec<StoredEmissions>, StoreError> {
        let newest = format!("GROUP BY record ORDER BY record DESC LIMIT {NEWEST}");
        self.emissions_with(marks, until, &newest).await
    }

    async fn emissions_with(
        &self,
        marks: &[u64],
        until: Timestamp,
        chosen: &str,
    ) -> Result<Vec<StoredEmissions>, StoreError> {
        let mut found = Vec::new();
        if marks.is_empty() {
            return Ok(found);
        }
        let last = Week::at(until);
        for (week, tables) in self.weeks().await? {
            if week > last || !(tables.there.contains("marks") && tables.there.contains("emissions")) {
                continue;
            }
            for marks in marks.chunks(AT_ONCE) {
                let places = vec!["?"; marks.len()].join(", ");
                let sql = format!(
                    "SELECT record, emissions FROM emissions_{week} WHERE record IN \
                     (SELECT record FROM marks_{week} WHERE mark IN ({places}) {chosen})",
                    week = week.0
                );
                let values = marks.iter().map(|mark| Value::from(mark.cast_signed())).collect();
                for mut row in self.database.fetch("look up emissions", &sql, values).await? {
                    found.push((record_id(&row.bytes(0)?)?, row.bytes(1)?));
                }
            }
        }
        found.sort_unstable_by_key(|(record, _)| *record);
        found.dedup_by_key(|(record, _)| *record);
        Ok(found)
    }
}
