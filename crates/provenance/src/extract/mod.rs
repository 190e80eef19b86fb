//! Reads the code out of answers.
