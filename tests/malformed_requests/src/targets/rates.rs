use domain::payments::exchange::ReferenceRates;

/// An accepted file of the European Central Bank has rates that make a table again.
pub fn rates(bytes: &[u8]) {
    let Ok(rates) = providers::ecb::read(bytes) else { return };
    assert!(!rates.rates().is_empty());
    assert_eq!(ReferenceRates::new(rates.date(), rates.rates().to_vec()).as_ref(), Ok(&rates));
}

pub(super) fn corpus() -> Vec<Vec<u8>> {
    let file = include_bytes!("../../../../shared/providers/src/ecb/recorded/daily.xml");
    let entity = b"<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]><x>&b;</x>";
    vec![file.to_vec(), entity.to_vec(), b"<a xmlns='x'><a/></a>".to_vec()]
}
