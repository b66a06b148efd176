//! Stripe's balance transactions: the lines of the platform's books.

use app::payments::ports::{BookLine, Books, GatewayError};
use async_trait::async_trait;
use domain::{AppointmentId, TimeSpan, Timestamp};
use serde::Deserialize;
use stripe_core::balance_transaction::RetrieveBalanceTransaction;

use super::Stripe;
use super::convert::{APPOINTMENT, minor_units};
use super::wire::{BalanceTransaction, Expandable, Source};

#[async_trait]
impl Books for Stripe {
    async fn book_lines(&self, written: TimeSpan) -> Result<Vec<BookLine>, GatewayError> {
        self.balance_transactions(written).await?.into_iter().rev().map(line).collect()
    }

    async fn find_appointment(&self, line: &BookLine) -> Result<Option<AppointmentId>, GatewayError> {
        let Some(path) = path_to_appointment(&line.object).filter(|_| line.appointment.is_none()) else {
            return Ok(line.appointment);
        };
        let request = RetrieveBalanceTransaction::new(line.id.as_str()).expand([path.to_owned()]);
        let read: ExpandedLine = self.send(&request).await?;
        Ok(read.source.as_ref().and_then(Expandable::object).and_then(Origin::appointment))
    }
}

/// Converts a line. Refunds and transfers that Stripe created along with other objects have no metadata of ours, so their
/// lines name no appointment.
fn line(line: BalanceTransaction) -> Result<BookLine, GatewayError> {
    let (amount, currency) = minor_units(line.amount, &line.currency)?;
    let (fee, _) = minor_units(line.fee, &line.currency)?;
    let (object, appointment) = match line.source {
        Some(Expandable::Object(source)) => {
            let appointment = source.appointment();
            (source.id, appointment)
        }
        Some(Expandable::Id(id)) => (id, None),
        // A correction by Stripe has no source other than the line itself.
        None => (line.id.clone(), None),
    };
    let at = Timestamp::from_seconds(line.created);
    Ok(BookLine { id: line.id, object, kind: line.kind, amount, fee, currency, at, appointment })
}

impl Source {
    fn appointment(&self) -> Option<AppointmentId> {
        let name = self.metadata.get(APPOINTMENT).or(self.transfer_group.as_ref());
        name.and_then(|name| name.parse().ok())
    }
}

/// A line whose source was expanded along [`path_to_appointment`].
#[derive(Deserialize)]
struct ExpandedLine {
    source: Option<Expandable<Origin>>,
}

/// An object of a line that names no appointment, with the objects that it leads to.
#[derive(Deserialize)]
struct Origin {
    charge: Option<Expandable<Source>>,
    transfer: Option<Expandable<Source>>,
    originating_transaction: Option<Expandable<Source>>,
    fee: Option<Expandable<Origin>>,
}

/// The path to expand from a line to the charge or transfer that names its appointment, by the prefix of the object's id:
/// refunds, disputes, reversals, application fees and their refunds. `None` for objects that lead to no charge or transfer.
fn path_to_appointment(object: &str) -> Option<&'static str> {
    Some(match object.split_once('_')?.0 {
        "re" | "dp" | "du" => "source.charge",
        "trr" => "source.transfer",
        "fee" => "source.originating_transaction",
        "fr" => "source.fee.originating_transaction",
        _ => return None,
    })
}

impl Origin {
    fn appointment(&self) -> Option<AppointmentId> {
        let sources = [&self.charge, &self.transfer, &self.originating_transaction];
        let named = sources.into_iter().find_map(|source| source.as_ref()?.object()?.appointment());
        named.or_else(|| self.fee.as_ref()?.object()?.appointment())
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::List;
    use super::*;
    use serde_json::json;

    #[test]
    fn lines_of_every_kind_are_read() {
        let recorded: List<BalanceTransaction> =
            serde_json::from_slice(include_bytes!("recorded/balance_transactions.json"))
                .expect("Stripe's shape");
        let lines: Vec<BookLine> = recorded.data.into_iter().map(|one| line(one).expect("whole")).collect();
        let read: Vec<_> = lines
            .iter()
            .map(|line| (line.object.as_str(), line.kind.as_str(), line.amount, line.fee))
            .collect();
        let expected = [
            ("po_3Q1", "payout", -20_000, 0),
            ("trr_3Q1", "transfer_refund", 5_000, 0),
            ("tr_3Q1", "transfer", -10_000, 0),
            ("ch_3Q1", "charge", 10_000, 175),
            ("txn_3Q1correction", "adjustment", -100, 0),
            ("ch_3Q1kronur", "charge", 500, 30),
        ];
        assert_eq!(read, expected);
        let named: Vec<bool> = lines.iter().map(|line| line.appointment.is_some()).collect();
        assert_eq!(named, [false, false, true, true, false, false]);
        assert_eq!(lines.last().map(|line| line.currency.as_str()), Some("ISK"));
    }

    #[test]
    fn every_kind_of_object_leads_to_its_appointment() {
        let charge =
            json!({ "id": "ch_1", "metadata": { "appointment_id": "apt_00000000000000000000000001" } });
        let transfer =
            json!({ "id": "tr_1", "metadata": {}, "transfer_group": "apt_00000000000000000000000001" });
        let cases = [
            ("re_1", json!({ "id": "re_1", "charge": charge, "metadata": {} })),
            ("dp_1", json!({ "id": "dp_1", "charge": charge })),
            ("trr_1", json!({ "id": "trr_1", "transfer": transfer, "source_refund": null })),
            ("fee_1", json!({ "id": "fee_1", "charge": "py_1", "originating_transaction": charge })),
            ("fr_1", json!({ "id": "fr_1", "fee": { "id": "fee_1", "originating_transaction": charge } })),
        ];
        for (object, source) in cases {
            assert!(path_to_appointment(object).is_some(), "{object}");
            let origin: Origin = serde_json::from_value(source).expect("Stripe's shape");
            assert_eq!(origin.appointment(), Some(AppointmentId::from_bits(1)), "{object}");
        }
        for object in ["ch_1", "po_1", "txn_1", "what"] {
            assert_eq!(path_to_appointment(object), None, "{object}");
        }
    }

    #[test]
    fn object_of_another_platform_leads_to_no_appointment() {
        let source =
            json!({ "id": "re_1", "charge": { "id": "ch_1", "metadata": {}, "transfer_group": "mine" } });
        let origin: Origin = serde_json::from_value(source).expect("Stripe's shape");
        assert_eq!(origin.appointment(), None);
    }
}
