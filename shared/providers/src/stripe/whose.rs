//! AppointmentsOf a line of the books is that does not say so itself: a refund that was given by hand, a dispute, or what came with them.
//! Those lead back to a charge or a transfer, which names its appointment.

use app::payments::ports::{BookLine, PaymentError};
use domain::AppointmentId;
use serde::Deserialize;
use stripe_core::balance_transaction::RetrieveBalanceTransaction;

use super::Stripe;
use super::convert::APPOINTMENT;
use super::wire::{Expandable, Source};

/// What a line is about, as far as it leads back.
#[derive(Deserialize)]
struct Origin {
    charge: Option<Expandable<Source>>,
    transfer: Option<Expandable<Source>>,
    originating_transaction: Option<Expandable<Source>>,
    fee: Option<Expandable<Origin>>,
}

#[derive(Deserialize)]
struct Line {
    source: Option<Expandable<Origin>>,
}

/// The way from a line to where its appointment is named, by the beginning of its object's id; none for objects that lead
/// nowhere.
fn way_back(object: &str) -> Option<&'static str> {
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
        let ends = [&self.charge, &self.transfer, &self.originating_transaction];
        let named = |end: &Source| {
            let name = end.metadata.get(APPOINTMENT).or(end.transfer_group.as_ref());
            name.and_then(|name| name.parse().ok())
        };
        let told = ends.into_iter().filter_map(|end| end.as_ref()?.object()).find_map(named);
        told.or_else(|| self.fee.as_ref()?.object()?.appointment())
    }
}

impl Stripe {
    pub(super) async fn whose(&self, line: &BookLine) -> Result<Option<AppointmentId>, PaymentError> {
        let Some(way) = way_back(&line.object).filter(|_| line.appointment.is_none()) else {
            return Ok(line.appointment);
        };
        let request = RetrieveBalanceTransaction::new(line.id.as_str()).expand([way.to_owned()]);
        let read: Line = self.ask(&request).await?;
        Ok(read.source.as_ref().and_then(Expandable::object).and_then(Origin::appointment))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_kind_of_object_leads_back_to_its_appointment() {
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
            assert!(way_back(object).is_some(), "{object}");
            let origin: Origin = serde_json::from_value(source).expect("Stripe's shape");
            assert_eq!(origin.appointment(), Some(AppointmentId::from_bits(1)), "{object}");
        }
        for object in ["ch_1", "po_1", "txn_1", "what"] {
            assert_eq!(way_back(object), None, "{object}");
        }
        let nobody =
            json!({ "id": "re_1", "charge": { "id": "ch_1", "metadata": {}, "transfer_group": "mine" } });
        let origin: Origin = serde_json::from_value(nobody).expect("Stripe's shape");
        assert_eq!(origin.appointment(), None);
    }
}
