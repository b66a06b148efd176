use domain::payments::exchange::ReferenceRates;

/// An accepted file of the European Central Bank has rates, and can be stored and read back.
pub fn rates(bytes: &[u8]) {
    let Ok(rates) = providers::ecb::read(bytes) else { return };
    assert!(!rates.rates().is_empty());
    let written = serde_json::to_value(&rates).expect("it can be written");
    let again: ReferenceRates = serde_json::from_value(written).expect("it can be read again");
    assert_eq!(again, rates);
}

pub(super) fn corpus() -> Vec<Vec<u8>> {
    let file = include_bytes!("../../../../shared/providers/src/ecb/recorded/daily.xml");
    let entity = b"<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]><x>&b;</x>";
    vec![file.to_vec(), entity.to_vec(), b"<a xmlns='x'><a/></a>".to_vec()]
}
