use super::settings::expand;

#[test]
fn a_script_may_refer_to_variables_as_a_container_does() {
    let known = [("KAFKA", "kafka:9092"), ("ODD", "a$$(b")];
    assert_eq!(expand("'$(KAFKA)' $(NO) $5 $$(KAFKA) $(ODD) $", &known), "'kafka:9092' $(NO) $5 $(KAFKA) a$(b $");
    assert_eq!(expand("$(KAFKA", &known), "$(KAFKA");
}
