use proptest::prelude::*;

use super::overlap;

proptest! {
    #[test]
    fn overlap_is_symmetric_and_means_a_common_key(one in "[ab/]{0,4}", other in "[ab/]{0,4}", key in "[ab/]{0,6}") {
        prop_assert_eq!(overlap(&one, &other), overlap(&other, &one));
        let common = key.starts_with(&one) && key.starts_with(&other);
        prop_assert!(!common || overlap(&one, &other));
        let longer = if one.len() > other.len() { &one } else { &other };
        prop_assert_eq!(overlap(&one, &other), longer.starts_with(&one) && longer.starts_with(&other));
    }
}
