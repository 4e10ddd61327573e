use millrace_crds::step::VERBS;

use super::ALL;

#[test]
fn every_verb_of_the_api_has_one_implementation() {
    let fields: Vec<&str> = ALL.iter().flat_map(|verb| verb.fields()).copied().collect();
    assert_eq!(fields, VERBS);
}
