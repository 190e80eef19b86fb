//! Days and months, which are UTC's, and when the next ones begin.

use waymark_types::Timestamp;

const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// The day and the month of a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Windows {
    /// `2026-11-27`
    pub(super) day: String,
    /// `2026-11`
    pub(super) month: String,
    /// When the next day begins.
    pub(super) next_day: Timestamp,
    /// When the next month begins.
    pub(super) next_month: Timestamp,
}

impl Windows {
    pub(super) fn at(now: Timestamp) -> Self {
        // RFC 3339 in UTC, of which the date is the beginning.
        let text = now.to_string();
        let day = text.get(..10).unwrap_or(&text).to_owned();
        let month = text.get(..7).unwrap_or(&text).to_owned();
        let next_day = Timestamp::from_micros((now.as_micros().div_euclid(DAY) + 1).saturating_mul(DAY));
        let next_month = next_month(&month).unwrap_or(next_day);
        Self { day, month, next_day, next_month }
    }
}

fn next_month(month: &str) -> Option<Timestamp> {
    let (year, number) = month.split_once('-')?;
    let (year, number): (u32, u32) = (year.parse().ok()?, number.parse().ok()?);
    let (year, number) = if number == 12 { (year + 1, 1) } else { (year, number + 1) };
    format!("{year:04}-{number:02}-01T00:00:00Z").parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> [String; 4] {
        let windows = Windows::at(text.parse().unwrap());
        [windows.day, windows.month, windows.next_day.to_string(), windows.next_month.to_string()]
    }

    #[test]
    fn windows_turn_at_midnight_utc() {
        let last = ["2026-12-31", "2026-12", "2027-01-01T00:00:00.000000Z", "2027-01-01T00:00:00.000000Z"];
        assert_eq!(at("2026-12-31T23:59:59.999999Z"), last);
        assert_eq!(at("2027-01-01T00:30:00+01:00"), last);
        let first = ["2027-01-01", "2027-01", "2027-01-02T00:00:00.000000Z", "2027-02-01T00:00:00.000000Z"];
        assert_eq!(at("2027-01-01T00:00:00Z"), first);
        assert_eq!(at("2028-02-29T12:00:00Z")[2], "2028-03-01T00:00:00.000000Z");
    }

    proptest! {
        #[test]
        fn a_moment_is_before_the_next_windows_and_in_none_of_them(micros in 0_i64..4_000_000_000_000_000) {
            let now = Timestamp::from_micros(micros);
            let windows = Windows::at(now);
            prop_assert!(now < windows.next_day && windows.next_day <= windows.next_month);
            let before = |time: Timestamp| Windows::at(Timestamp::from_micros(time.as_micros() - 1));
            prop_assert_eq!(&before(windows.next_day).day, &windows.day);
            prop_assert_eq!(&before(windows.next_month).month, &windows.month);
            let next = Windows::at(windows.next_month);
            prop_assert!(next.month > windows.month && next.day > windows.day);
        }
    }
}
