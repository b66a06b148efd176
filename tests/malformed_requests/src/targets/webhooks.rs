use serde_json::json;
use simulators::stripe::signature_header;

use super::on_platform;
use crate::{Request, checks};

/// A request to the webhook of a gateway.
fn to(gateway: &str) -> Request {
    let mut request = Request::new(&functions::payments::payment_webhook::ROUTE);
    request.parameters.insert("gateway".to_owned(), gateway.to_owned());
    request
}

/// Stripe webhooks are accepted or refused. Each input is sent with a valid signature, and with itself as the signature.
pub fn stripe_webhook(bytes: &[u8]) {
    on_platform(async |platform| {
        let mut request = to("stripe");
        request.body = bytes.to_vec();
        request.headers = vec![("Stripe-Signature".to_owned(), bytes.to_vec())];
        if let Some(response) = platform.send(&request).await {
            assert_eq!(response.status, 400, "it is signed by itself");
            assert_eq!(checks::violation(&request, &response), None, "{request}");
        }
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        let signature = signature_header("whsec_local", platform.stack.clock.seconds(), text);
        request.headers = vec![("Stripe-Signature".to_owned(), signature.into_bytes())];
        let response = platform.send(&request).await.expect("HTTP");
        assert!([204, 400].contains(&response.status.as_u16()), "{request}\n{:#}", response.json());
        assert_eq!(checks::violation(&request, &response), None, "{request}");
    });
}

/// PayPal webhooks that PayPal has not sent are refused. The first lines are the headers, and the rest is the body.
pub fn paypal_webhook(bytes: &[u8]) {
    let mut parts = bytes.splitn(6, |byte| *byte == b'\n');
    let names = ["auth-algo", "cert-url", "transmission-id", "transmission-sig", "transmission-time"];
    let headers = names.map(|name| (format!("PayPal-{name}"), parts.next().unwrap_or_default().to_vec()));
    let body = parts.next().unwrap_or_default().to_vec();
    on_platform(async |platform| {
        let mut request = to("paypal");
        request.body = body;
        request.headers = headers.to_vec();
        let Some(response) = platform.send(&request).await else { return };
        assert_eq!(response.status, 400, "{request}");
        assert_eq!(checks::violation(&request, &response), None, "{request}");
    });
}

pub(super) fn corpus_of_stripe() -> Vec<Vec<u8>> {
    let appointment = "apt_0123456789abcdefghjkmnpqrs";
    let event = |kind: &str, object: serde_json::Value| json!({ "id": "evt_1", "type": kind, "data": { "object": object } });
    let mut of_expert = event("payout.paid", json!({ "id": "po_1", "object": "payout" }));
    of_expert["account"] = json!("acct_1");
    [
        event("payment_intent.succeeded", json!({ "id": "pi_1", "object": "payment_intent", "metadata": { "appointment_id": appointment } })),
        event("account.updated", json!({ "id": "acct_1", "object": "account" })),
        event("charge.dispute.created", json!({ "id": "dp_1", "object": "dispute", "payment_intent": "pi_1" })),
        event("refund.updated", json!({ "id": "re_1", "object": "refund", "payment_intent": "pi_1" })),
        event("transfer.created", json!({ "id": "tr_1", "object": "transfer", "transfer_group": appointment })),
        event("price.created", json!({})),
        of_expert,
    ]
    .iter()
    .map(|event| event.to_string().into_bytes())
    .chain([b"t=1799049600,v1=00".to_vec()])
    .collect()
}

pub(super) fn corpus_of_paypal() -> Vec<Vec<u8>> {
    let header = |time: &str| format!("SHA256withRSA\nhttps://api.paypal.com/v1/cert\nid-1\nc2ln\n{time}\n");
    let appointment = "apt_0123456789abcdefghjkmnpqrs";
    let event = |kind: &str, resource: serde_json::Value| {
        let body = json!({ "id": "WH-1", "event_type": kind, "resource": resource });
        format!("{}{body}", header("2027-01-04T08:00:00Z")).into_bytes()
    };
    vec![
        event("PAYMENT.CAPTURE.COMPLETED", json!({ "custom_id": appointment })),
        event("CHECKOUT.ORDER.APPROVED", json!({ "purchase_units": [{ "custom_id": appointment }] })),
        event("MERCHANT.ONBOARDING.COMPLETED", json!({ "merchant_id": "X" })),
        event(
            "CUSTOMER.DISPUTE.CREATED",
            json!({ "disputed_transactions": [{ "seller_transaction_id": "2GG" }] }),
        ),
        format!("{}[]", header("2027-01-04T07:00:00Z")).into_bytes(),
    ]
}
