//! What decides, after a rung has answered, whether its answer stands.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use thiserror::Error;

/// How well a verifier tells a solved task from one that is not: tests, a judge, a reviewer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Verifier {
    /// How often it accepts what is solved, 0 to 1.
    pub sensitivity: f64,
    /// How often it rejects what is not solved, 0 to 1.
    pub specificity: f64,
}

/// The text says no verifier.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("write `perfect`, or SENSITIVITY,SPECIFICITY, both from 0 to 1, as in 0.9,0.75")]
pub struct ParseVerifierError;

impl Verifier {
    /// One that is never wrong: a bound that no real one reaches.
    pub const PERFECT: Self = Self { sensitivity: 1.0, specificity: 1.0 };

    /// Whether it is never wrong.
    pub fn is_perfect(&self) -> bool {
        *self == Self::PERFECT
    }

    /// How likely it accepts.
    pub(super) fn accepts(&self, solved: bool) -> f64 {
        if solved { self.sensitivity } else { 1.0 - self.specificity }
    }
}

impl FromStr for Verifier {
    type Err = ParseVerifierError;

    fn from_str(text: &str) -> Result<Self, ParseVerifierError> {
        if text.trim() == "perfect" {
            return Ok(Self::PERFECT);
        }
        let share = |text: &str| {
            let share: f64 = text.trim().parse().ok()?;
            (0.0..=1.0).contains(&share).then_some(share)
        };
        let (sensitivity, specificity) = text.split_once(',').ok_or(ParseVerifierError)?;
        Ok(Self {
            sensitivity: share(sensitivity).ok_or(ParseVerifierError)?,
            specificity: share(specificity).ok_or(ParseVerifierError)?,
        })
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_perfect() {
            f.write_str("perfect")
        } else {
            write!(f, "sensitivity {}, specificity {}", self.sensitivity, self.specificity)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_is_perfect_or_two_shares() {
        assert_eq!("perfect".parse(), Ok(Verifier::PERFECT));
        assert_eq!("1,1".parse(), Ok(Verifier::PERFECT));
        assert_eq!("0.9, 0.75".parse(), Ok(Verifier { sensitivity: 0.9, specificity: 0.75 }));
        for nonsense in ["", "0.9", "0.9,", "0.9,1.1", "-0.1,1", "NaN,1", "a,b", "0.9,0.8,0.7", "Perfect"] {
            assert_eq!(nonsense.parse::<Verifier>(), Err(ParseVerifierError), "{nonsense}");
        }
    }
}
