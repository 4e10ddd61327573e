//! Seeded bugs of the operators.
