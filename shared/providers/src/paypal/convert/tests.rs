use domain::kernel::money::MAX_CHARGE;
use domain::payments::gateway::GatewayKind;
use domain::payments::payment::References;
use domain::payments::payout::PayoutTiming;
use domain::{AppointmentId, Rate};
use proptest::prelude::*;

use super::*;

/// Maximum length of a `PayPal-Request-Id` (<https://developer.paypal.com/api/rest/requests/#paypal-request-id>), in characters.
const MAX_KEY: usize = 108;

fn money(amount: u64, code: &str) -> Money {
    Money::new(amount, Currency::try_from(code.to_owned()).expect("a code")).expect("small")
}

fn amount_of(value: &str, code: &str) -> Amount {
    Amount { currency_code: code.to_owned(), value: value.to_owned() }
}

pub(in crate::paypal) fn payment(plan: Plan) -> Payment {
    let destination = (GatewayKind::Paypal, "MERCHANT22222".to_owned());
    let appointment = AppointmentId::from_bits(1);
    let agreed = Payment::agreed(
        appointment,
        money(8_000, "EUR"),
        Rate::DEFAULT_COMMISSION,
        destination,
        PayoutTiming::AtPayment,
        plan,
    );
    let references = References { intent: Some("5O190127TN364715T".to_owned()), ..References::default() };
    Payment { references, ..agreed }
}

#[test]
fn amounts_have_paypals_decimal_places() {
    for (amount, code, value) in [
        (1_205, "EUR", "12.05"),
        (5, "USD", "0.05"),
        (0, "EUR", "0.00"),
        (1_200, "JPY", "1200"),
        (125_000, "HUF", "1250"),
        (30_000, "TWD", "300"),
        (MAX_CHARGE, "EUR", "999999.99"),
    ] {
        let written = to_paypal(money(amount, code)).expect("representable");
        assert_eq!(written, json!({ "currency_code": code, "value": value }));
    }
    for (amount, code) in [(125_050, "HUF"), (1, "TWD"), (3_130, "KWD"), (3_000, "BHD")] {
        let refusal = to_paypal(money(amount, code)).expect_err("not representable");
        let GatewayError::Refused { code: error_code, message } = refusal else { panic!("{refusal:?}") };
        assert_eq!(error_code, "amount_not_chargeable");
        assert!(message.contains(code) && !message.contains("PayPal"), "{message}");
    }
}

#[test]
fn amounts_of_paypal_are_read_exactly_or_refused() {
    for (value, code, amount) in [
        ("12.05", "EUR", 1_205),
        ("12.5", "EUR", 1_250),
        ("12", "EUR", 1_200),
        ("12.000", "EUR", 1_200),
        ("1250", "HUF", 125_000),
        ("1200.00", "JPY", 1_200),
        ("0.00", "EUR", 0),
    ] {
        assert_eq!(from_paypal(&amount_of(value, code)), Ok(money(amount, code)), "{value} {code}");
    }
    for (value, code) in [
        ("12.005", "EUR"),
        ("1.5", "JPY"),
        ("-1.00", "EUR"),
        ("+1.00", "EUR"),
        ("1e3", "EUR"),
        ("1,00", "EUR"),
        (".50", "EUR"),
        ("", "EUR"),
        (" 1", "EUR"),
        ("١", "EUR"),
        ("1.2.3", "EUR"),
        ("10000000000.00", "EUR"),
        ("99999999999999999999999999", "EUR"),
        ("1.00", "eur"),
        ("1.00", ""),
    ] {
        assert!(
            matches!(from_paypal(&amount_of(value, code)), Err(GatewayError::Unavailable(_))),
            "{value} {code}"
        );
    }
}

proptest! {
    #[test]
    fn representable_amount_survives_the_round_trip(amount in 0..=MAX_CHARGE, code in prop::sample::select(vec!["EUR", "JPY", "HUF", "TWD", "USD"])) {
        let shown = round_down(money(amount, code));
        let written = to_paypal(shown).expect("representable");
        let value = written["value"].as_str().expect("text");
        prop_assert_eq!(from_paypal(&amount_of(value, code)), Ok(shown));
        let (least, most) = (shown.amount(), round_up(money(amount, code), money(MAX_CHARGE, code)).amount());
        prop_assert!(least <= amount && amount <= most && most - least <= 100);
    }

    #[test]
    fn arbitrary_amounts_never_panic(value in ".*", code in "[A-Z]{0,4}") {
        let _ = from_paypal(&amount_of(&value, &code));
    }

    /// Whatever the parts in which a payment is refunded, the platform's fee is refunded in proportion, and in full in the end.
    #[test]
    fn fee_is_refunded_in_proportion(
        price in 100_u64..1_000_000,
        points in 0_u16..=10_000,
        parts in prop::collection::vec(1_u64..300_000, 1..6),
    ) {
        let whole = money(price, "EUR");
        let fee = whole.apply_rate(Rate::from_basis_points(points).expect("a rate"));
        let amount = |amount: u64| to_paypal(money(amount, "EUR")).expect("representable");
        let capture: Capture = serde_json::from_value(json!({
            "id": "C", "status": "COMPLETED", "create_time": "2027-01-04T08:00:00Z", "amount": amount(price),
            "seller_receivable_breakdown": { "platform_fees": [{ "amount": amount(fee.amount()) }] },
        })).expect("PayPal's shape");
        let mut refunds: Vec<Refund> = Vec::new();
        let (mut left, mut refunded_fees) = (price, 0);
        for part in parts.into_iter().chain([u64::MAX]) {
            let part = part.min(left);
            if part == 0 { break; }
            let back = refunded_fee(&capture, &refunds.iter().collect::<Vec<_>>(), money(part, "EUR"), 0).expect("amounts").amount();
            left -= part;
            refunded_fees += back;
            prop_assert!(back <= part, "PayPal refuses more");
            prop_assert!(refunded_fees <= fee.amount());
            let due = fee.prorate(price - left, price).amount();
            // One cent may have to wait for the next refund.
            prop_assert!(due - refunded_fees <= 1, "{refunded_fees} of {due}");
            refunds.push(serde_json::from_value(json!({
                "id": "R", "status": "COMPLETED", "create_time": "2027-01-04T09:00:00Z", "amount": amount(part),
                "seller_payable_breakdown": { "platform_fees": [{ "amount": amount(back) }] },
            })).expect("PayPal's shape"));
        }
        prop_assert_eq!(left, 0);
        prop_assert!(fee.amount() - refunded_fees <= 1);
    }
}

#[test]
fn keys_name_the_appointment_and_fit_the_limit() {
    let payment = Payment { intent_number: u16::MAX, ..payment(Plan::Charge) };
    let longest = key(&payment, "reauthorize", u32::MAX);
    assert!(longest.starts_with(&format!("{}:reauthorize:", payment.appointment)), "{longest}");
    assert!(longest.len() <= MAX_KEY, "{longest}");
}

#[test]
fn an_order_pays_the_expert_and_keeps_the_refunded_fee() {
    let buyer = |description| Buyer {
        description,
        name: "Alan",
        email: "alan@example.org",
        return_url: "https://platform.example",
    };
    let long = "é".repeat(200);
    let order = super::order(&payment(Plan::Charge), &buyer(&long)).expect("an order");
    let unit = &order["purchase_units"][0];
    assert_eq!(
        (&order["intent"], &unit["payee"]["merchant_id"]),
        (&json!("CAPTURE"), &json!("MERCHANT22222"))
    );
    assert_eq!(unit["amount"], json!({ "currency_code": "EUR", "value": "80.00" }));
    assert_eq!(unit["payment_instruction"]["platform_fees"][0]["amount"]["value"], "8.00");
    assert_eq!(unit["custom_id"], payment(Plan::Charge).appointment.to_string());
    assert_eq!(unit["description"].as_str().map(|text| text.chars().count()), Some(MAX_DESCRIPTION));
    let context = &order["payment_source"]["paypal"]["experience_context"];
    assert_eq!(context["payment_method_preference"], "IMMEDIATE_PAYMENT_REQUIRED");
    // The order does not disclose the client's identity to PayPal.
    assert!(!order.to_string().contains("alan"), "{order}");

    let authorized = super::order(&payment(Plan::Authorize), &buyer("An hour")).expect("an order");
    assert_eq!(authorized["intent"], "AUTHORIZE");
    assert_eq!(authorized["purchase_units"][0]["payment_instruction"].get("platform_fees"), None);
    for wrong in [payment(Plan::SaveCard), Payment { amount: money(3_130, "KWD"), ..payment(Plan::Charge) }] {
        assert!(matches!(super::order(&wrong, &buyer("x")), Err(GatewayError::Refused { .. })), "{wrong:?}");
    }
    let free = Payment { fee_rate: Rate::from_basis_points(0).expect("a rate"), ..payment(Plan::Charge) };
    let order = super::order(&free, &buyer("x")).expect("an order");
    assert_eq!(order["purchase_units"][0]["payment_instruction"]["platform_fees"], json!([]));
}

#[test]
fn account_is_ready_if_no_requirement_is_due() {
    let seller_with = |receivable: bool, confirmed: bool, client: Option<&str>, may_hold: bool| {
        let grants = client.map(|client| json!({ "oauth_third_party": [{ "partner_client_id": client }] }));
        let seller = json!({
            "merchant_id": "MERCHANT22222",
            "tracking_id": "exp_00000000000000000000000001",
            "payments_receivable": receivable,
            "primary_email_confirmed": confirmed,
            "oauth_integrations": grants.into_iter().collect::<Vec<_>>(),
        });
        super::seller(serde_json::from_value(seller).expect("PayPal's shape"), "client", may_hold)
    };
    let seller = |receivable, confirmed, client| seller_with(receivable, confirmed, client, false);
    let ready = seller(true, true, Some("client"));
    assert_eq!(
        (ready.id.as_str(), ready.charges_enabled, ready.payouts_enabled),
        ("MERCHANT22222", true, true)
    );
    assert_eq!((ready.requirements_due.len(), ready.disabled_reason), (0, None));
    for (state, expected) in [
        (seller(false, true, Some("client")), "receive payments"),
        (seller(true, false, Some("client")), "confirm the e-mail"),
        (seller(true, true, None), "agree again"),
        (seller(true, true, Some("another platform")), "agree again"),
        (invited("exp_00000000000000000000000001"), "sign in to PayPal"),
    ] {
        assert!(!state.charges_enabled && !state.payouts_enabled, "{state:?}");
        assert!(state.requirements_due.iter().any(|due| due.contains(expected)), "{state:?}");
    }
    assert_eq!(seller(false, false, None).requirements_due.len(), 3);
    // The grant has no scopes.
    let due = seller_with(true, true, Some("client"), true).requirements_due;
    assert!(due.len() == 1 && due[0].contains("PayPal holds payments"), "{due:?}");
    assert!(
        seller(true, true, None).disabled_reason.is_some()
            && unknown_account("MERCHANT22222").disabled_reason.is_some()
    );
}

#[test]
fn order_and_capture_of_a_held_payment_are_disbursed_later() {
    let buyer = Buyer {
        description: "x",
        name: "Alan",
        email: "a@example.org",
        return_url: "https://platform.example",
    };
    for (payout_timing, mode) in
        [(PayoutTiming::AtPayment, "INSTANT"), (PayoutTiming::AfterSession, "DELAYED")]
    {
        let payment = Payment { payout_timing, ..payment(Plan::Charge) };
        let order = super::order(&payment, &buyer).expect("an order");
        assert_eq!(order["purchase_units"][0]["payment_instruction"]["disbursement_mode"], mode);
        let captured = super::capture(&payment, payment.amount, payment.fee()).expect("a capture");
        assert_eq!(captured["payment_instruction"]["disbursement_mode"], mode);
    }
}

#[test]
fn expert_agrees_to_a_hold_only_if_there_can_be_one() {
    let features = |may_hold| {
        let referral = referral("exp_00000000000000000000000001", "https://platform.example", may_hold);
        let details =
            "/operations/0/api_integration_preference/rest_api_integration/third_party_details/features";
        referral.pointer(details).expect("features").as_array().expect("a list").clone()
    };
    assert!(!features(false).contains(&json!("DELAY_FUNDS_DISBURSEMENT")));
    assert!(features(true).contains(&json!("DELAY_FUNDS_DISBURSEMENT")));
    assert_eq!(features(true).len(), features(false).len() + 1);
}
