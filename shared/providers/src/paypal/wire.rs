//! The parts of PayPal's JSON that we read. Other members are ignored.

use domain::Timestamp;
use domain::kernel::time::InvalidTimestamp;
use serde::Deserialize;

/// An amount: a decimal number with as many decimal places as PayPal uses for the currency.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Amount {
    pub(super) currency_code: String,
    pub(super) value: String,
}

/// An instant. Some of PayPal's services report milliseconds, which are dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Time(pub(super) Timestamp);

impl TryFrom<String> for Time {
    type Error = InvalidTimestamp;

    fn try_from(text: String) -> Result<Self, InvalidTimestamp> {
        let Some((seconds, rest)) = text.split_once('.') else { return text.parse().map(Self) };
        let zone = rest.trim_start_matches(|letter: char| letter.is_ascii_digit());
        format!("{seconds}{zone}").parse().map(Self)
    }
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Link {
    pub(super) href: String,
    pub(super) rel: String,
}

/// <https://developer.paypal.com/docs/api/orders/v2/>
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Order {
    pub(super) id: String,
    pub(super) status: String,
    #[serde(default)]
    pub(super) purchase_units: Vec<PurchaseUnit>,
    #[serde(default)]
    pub(super) links: Vec<Link>,
    /// Who paid, once the client has approved.
    pub(super) payer: Option<Payer>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Payer {
    /// The id of the client's PayPal account.
    pub(super) payer_id: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct PurchaseUnit {
    #[serde(default)]
    pub(super) payments: Payments,
}

/// The payments of an order.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Payments {
    pub(super) authorizations: Vec<Authorization>,
    pub(super) captures: Vec<Capture>,
    pub(super) refunds: Vec<Refund>,
}

/// <https://developer.paypal.com/docs/api/payments/v2/#authorizations_get>
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Authorization {
    pub(super) id: String,
    pub(super) status: String,
    pub(super) amount: Amount,
    pub(super) create_time: Time,
    pub(super) update_time: Option<Time>,
    pub(super) expiration_time: Option<Time>,
}

/// <https://developer.paypal.com/docs/api/payments/v2/#captures_get>
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Capture {
    pub(super) id: String,
    pub(super) status: String,
    pub(super) amount: Amount,
    pub(super) create_time: Time,
    pub(super) update_time: Option<Time>,
    pub(super) custom_id: Option<String>,
    pub(super) seller_receivable_breakdown: Option<Breakdown>,
}

/// <https://developer.paypal.com/docs/api/payments/v2/#refunds_get>
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Refund {
    pub(super) id: String,
    pub(super) status: String,
    pub(super) amount: Amount,
    pub(super) create_time: Time,
    pub(super) update_time: Option<Time>,
    pub(super) invoice_id: Option<String>,
    pub(super) seller_payable_breakdown: Option<Breakdown>,
}

/// The fees of a capture or a refund.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Breakdown {
    pub(super) paypal_fee: Option<Amount>,
    #[serde(default)]
    pub(super) platform_fees: Vec<PlatformFee>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct PlatformFee {
    pub(super) amount: Amount,
}

/// <https://developer.paypal.com/docs/api/referenced-payouts/v1/#referenced-payouts-items_create>
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ReferencedPayout {
    pub(super) processing_state: ProcessingState,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct ProcessingState {
    pub(super) status: String,
    pub(super) reason: Option<String>,
}

/// <https://developer.paypal.com/docs/api/customer-disputes/v1/#disputes_list>
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Disputes {
    #[serde(default)]
    pub(super) items: Vec<DisputeSummary>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct DisputeSummary {
    pub(super) dispute_id: String,
}

/// <https://developer.paypal.com/docs/api/customer-disputes/v1/#disputes_get>
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Dispute {
    pub(super) dispute_id: String,
    pub(super) status: String,
    pub(super) dispute_life_cycle_stage: Option<String>,
    pub(super) create_time: Time,
    pub(super) update_time: Option<Time>,
    pub(super) dispute_amount: Amount,
    pub(super) dispute_outcome: Option<Outcome>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Outcome {
    pub(super) outcome_code: String,
    pub(super) amount_refunded: Option<Amount>,
}

/// The response to a search by tracking id.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct FoundSeller {
    pub(super) merchant_id: String,
}

/// <https://developer.paypal.com/docs/api/partner-referrals/v1/#merchant-integration_status>
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Seller {
    pub(super) merchant_id: String,
    pub(super) tracking_id: Option<String>,
    pub(super) payments_receivable: bool,
    pub(super) primary_email_confirmed: bool,
    #[serde(default)]
    pub(super) oauth_integrations: Vec<Integration>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Integration {
    #[serde(default)]
    pub(super) oauth_third_party: Vec<Grant>,
}

/// The consent of a seller to actions of a platform.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Grant {
    pub(super) partner_client_id: Option<String>,
    /// The URLs of what the seller permits.
    #[serde(default)]
    pub(super) scopes: Vec<String>,
}

/// <https://developer.paypal.com/docs/api/partner-referrals/v2/>
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Referral {
    #[serde(default)]
    pub(super) links: Vec<Link>,
}

/// <https://developer.paypal.com/docs/api/webhooks/v1/#verify-webhook-signature_post>
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Verification {
    pub(super) verification_status: String,
}

/// The address of a link.
pub(super) fn link<'a>(links: &'a [Link], rel: &str) -> Option<&'a str> {
    links.iter().find(|link| link.rel == rel).map(|link| link.href.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_with_and_without_milliseconds_are_read() {
        let read = |text: &str| serde_json::from_value::<Time>(serde_json::json!(text)).ok();
        let noon: Timestamp = "2027-01-04T12:00:00Z".parse().expect("a time");
        for text in ["2027-01-04T12:00:00Z", "2027-01-04T12:00:00.123Z", "2027-01-04T05:00:00.000-07:00"] {
            assert_eq!(read(text), Some(Time(noon)), "{text}");
        }
        for text in ["", ".", "2027-01-04", "2027-01-04T12:00:00", "2027-01-04T12:00:00.1"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
