//! Events keep their data in an outbox entry, and their documents match their schemas.

use std::collections::BTreeSet;

use domain::scheduling::proposal::MAX_STARTS_OF_EXPERT;
use domain::{AppointmentId, ClientId, ExpertId, SessionTypeId};

use super::*;

/// An event of each kind, with the largest data that it can have.
pub(crate) fn examples() -> Vec<DomainEvent> {
    let at = Timestamp::from_seconds(1_800_000_000);
    let money = || Money::new(999_999_999_999, Currency::EUR).expect("in range");
    let change = || AmountChange { before: 999_999_999_999, after: 999_999_999_998, currency: Currency::EUR };
    let appointment = |status| AppointmentData {
        appointment_id: AppointmentId::from_bits(u128::MAX),
        version: 999,
        expert_id: ExpertId::from_bits(u128::MAX),
        client_id: ClientId::from_bits(u128::MAX),
        session_type_id: SessionTypeId::from_bits(u128::MAX),
        start: at,
        end: at.plus(3_600),
        status,
    };
    let changed = |status| AppointmentChanged {
        appointment: appointment(status),
        seats: 1_000,
        price: money(),
        final_charge: Some(change()),
    };
    let closed = || ProposalClosed {
        appointment: appointment(AppointmentStatus::Confirmed),
        proposed_by: PartyName::Expert,
    };
    let payment = |state| PaymentChanged {
        appointment: appointment(AppointmentStatus::Completed),
        payment: PaymentData { version: 999, gateway: Gateway::Stripe, state, final_charge: money() },
    };
    let of = |state| PaymentAmount { changed: payment(state), amount: money() };
    let all = Event::ALL.map(|kind| match kind {
        Event::Confirmed => EventData::Confirmed(AppointmentChanged {
            final_charge: None,
            ..changed(AppointmentStatus::Confirmed)
        }),
        Event::Rescheduled => EventData::Rescheduled(Rescheduled {
            changed: AppointmentChanged { final_charge: None, ..changed(AppointmentStatus::Confirmed) },
            before: Before { start: at, end: at, price: money() },
        }),
        Event::Proposed => EventData::Proposed(Proposed {
            appointment: appointment(AppointmentStatus::Confirmed),
            proposed_by: PartyName::Expert,
            starts: vec![at; MAX_STARTS_OF_EXPERT],
            expires_at: at,
        }),
        Event::ProposalDeclined => EventData::ProposalDeclined(closed()),
        Event::ProposalWithdrawn => EventData::ProposalWithdrawn(closed()),
        Event::ProposalExpired => EventData::ProposalExpired(closed()),
        Event::Cancelled => EventData::Cancelled(Cancelled {
            changed: changed(AppointmentStatus::Cancelled),
            cancelled_by: PartyName::Platform,
        }),
        Event::Completed => EventData::Completed(changed(AppointmentStatus::Completed)),
        Event::NoShow => EventData::NoShow(NoShow {
            changed: changed(AppointmentStatus::NoShow),
            missed_by: PartyName::Client,
        }),
        Event::NoShowDisputed => EventData::NoShowDisputed(changed(AppointmentStatus::NoShow)),
        Event::Expired => EventData::Expired(AppointmentChanged {
            final_charge: None,
            ..changed(AppointmentStatus::Expired)
        }),
        Event::PaymentActionRequired => {
            EventData::action_required(payment(PaymentStatus::ActionRequired), at)
        }
        Event::PaymentUnpaid => EventData::PaymentUnpaid(of(PaymentStatus::Unpaid)),
        Event::PaymentRefunded => EventData::PaymentRefunded(Refunded {
            changed: payment(PaymentStatus::PartiallyRefunded),
            refunded: change(),
        }),
        Event::PaymentRefundWaits => EventData::PaymentRefundWaits(RefundWaits {
            changed: payment(PaymentStatus::PartiallyRefunded),
            amount: money(),
            ended: true,
        }),
        Event::PaymentRefundFailed => EventData::PaymentRefundFailed(of(PaymentStatus::RefundFailed)),
        Event::PaymentDisputed => EventData::PaymentDisputed(of(PaymentStatus::Disputed)),
        Event::PaymentDisputeWon => EventData::PaymentDisputeWon(of(PaymentStatus::Paid)),
        Event::PaymentDisputeLost => EventData::PaymentDisputeLost(of(PaymentStatus::Disputed)),
        Event::PaymentEscalated => EventData::PaymentEscalated(Escalated {
            changed: payment(PaymentStatus::PartiallyRefunded),
            reason: EscalationReason::ReversalRefused,
            amount: Some(money()),
        }),
    });
    all.into_iter().map(|data| DomainEvent { occurred_at: at, data }).collect()
}

#[test]
fn every_kind_has_the_name_of_its_event() {
    let kinds: BTreeSet<&str> = examples().iter().map(DomainEvent::kind).collect();
    assert_eq!(kinds.len(), Event::ALL.len());
    for event in examples() {
        let document = event.document().expect("JSON");
        assert_eq!(document["kind"], event.kind());
        assert_eq!(document["version"], VERSION);
        assert_eq!(document["event_id"], event.id());
        assert_eq!(schema(event.data.kind()).get("title").expect("a title"), event.kind());
    }
}

#[test]
fn an_event_is_read_as_it_was_written() {
    for event in examples() {
        let text = serde_json::to_string(&event).expect("JSON");
        assert_eq!(serde_json::from_str::<DomainEvent>(&text).expect("an event"), event);
        // A later release may add members.
        let later = text.replacen('{', r#"{"later":{"more":[1]},"#, 1);
        assert_eq!(serde_json::from_str::<DomainEvent>(&later).expect("an event"), event);
    }
}

/// Every string in a schema is an id, an instant, a currency or one of some words, so no schema has a place for personal data.
#[test]
fn schemas_have_no_place_for_personal_data() {
    fn check(schema: &Value, path: &str) {
        match schema {
            Value::Object(members) => {
                if members.get("type") == Some(&Value::from("string")) {
                    let closed = members.contains_key("pattern")
                        || members.contains_key("enum")
                        || members.contains_key("const")
                        || members.get("format") == Some(&Value::from("date-time"))
                        || path.ends_with("/event_id");
                    assert!(closed, "{path} can be any text: {schema}");
                }
                members.iter().for_each(|(name, value)| check(value, &format!("{path}/{name}")));
            }
            Value::Array(items) => items.iter().for_each(|item| check(item, path)),
            _ => {}
        }
    }
    for kind in Event::ALL {
        check(schema(kind).as_value(), kind.name());
    }
}
