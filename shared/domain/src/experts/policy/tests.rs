use super::*;

fn tier(until_hours_before: u16, percent: u8) -> Tier {
    Tier { until_hours_before, refund_percent: Percent::new(percent).expect("a percentage") }
}

#[test]
fn invalid_policies_are_refused() {
    let check = |tiers| CancellationPolicy { tiers, ..CancellationPolicy::default() }.check();
    assert_eq!(check(vec![]), Ok(()));
    assert_eq!(check(vec![tier(48, 100), tier(0, 0)]), Ok(()));
    for wrong in [
        vec![tier(24, 50), tier(48, 100)],
        vec![tier(48, 50), tier(24, 100)],
        vec![tier(24, 50), tier(24, 40)],
        vec![tier(MAX_HOURS + 1, 50)],
        (0..=MAX_TIERS as u8).map(|step| tier(100 - u16::from(step), 100 - step)).collect(),
    ] {
        assert!(check(wrong).is_err());
    }
}

#[test]
fn policies_are_accepted_up_to_each_limit() {
    let check = |policy: CancellationPolicy| policy.check().map_err(|violations| violations.to_string());
    let tiers: Vec<Tier> =
        (0..MAX_TIERS as u8).map(|step| tier(MAX_HOURS - u16::from(step), 100 - step)).collect();
    assert_eq!(check(CancellationPolicy { tiers, ..Default::default() }), Ok(()));
    // There are too many tiers, although each tier is valid.
    let tiers = (0..=MAX_TIERS as u8).map(|step| tier(100 - u16::from(step), 100 - step)).collect();
    assert_eq!(
        check(CancellationPolicy { tiers, ..Default::default() }),
        Err("/tiers: must have at most 8 entries, got 9".to_owned())
    );
    // Two tiers have the same hour or the same percentage.
    for (tiers, wrong) in [
        (
            vec![tier(24, 50), tier(24, 40)],
            "/tiers/1/until_hours_before: must be less than 24, that of the tier before",
        ),
        (
            vec![tier(24, 50), tier(12, 50)],
            "/tiers/1/refund_percent: must be less than 50, that of the tier before",
        ),
    ] {
        assert_eq!(check(CancellationPolicy { tiers, ..Default::default() }), Err(wrong.to_owned()));
    }
    let with_grace = |grace_minutes| check(CancellationPolicy { grace_minutes, ..Default::default() });
    assert_eq!(with_grace(MAX_GRACE_MINUTES - 1), Ok(()));
    assert_eq!(with_grace(MAX_GRACE_MINUTES), Ok(()));
    assert_eq!(
        with_grace(MAX_GRACE_MINUTES + 1),
        Err("/grace_minutes: must be from 0 to 4320, got 4321".to_owned())
    );
}

#[test]
fn no_show_gives_back_at_most_as_much_as_the_last_tier() {
    let check = |tiers, no_show| {
        let no_show_refund_percent = Percent::new(no_show).expect("a percentage");
        let policy = CancellationPolicy { tiers, no_show_refund_percent, ..Default::default() };
        policy.check().map_err(|violations| violations.to_string())
    };
    let tiers = || vec![tier(48, 100), tier(24, 30)];
    assert_eq!([check(tiers(), 0), check(tiers(), 30), check(vec![], 0)], [Ok(()), Ok(()), Ok(())]);
    let refused = |most| {
        Err(format!(
            "/no_show_refund_percent: must be at most {most}, what the last tier gives back for a cancellation; it is 0 without tiers"
        ))
    };
    assert_eq!(check(tiers(), 31), refused(30));
    assert_eq!(check(vec![], 1), refused(0));
}

#[test]
fn all_violations_of_a_policy_are_found() {
    let policy = CancellationPolicy {
        tiers: vec![tier(MAX_HOURS + 1, 50), tier(9, 50), tier(9, 60)],
        grace_minutes: MAX_GRACE_MINUTES + 1,
        ..Default::default()
    };
    let violations = policy.check().expect_err("violations");
    let pointers: Vec<&str> = violations.iter().map(|violation| violation.pointer.as_str()).collect();
    assert_eq!(
        pointers,
        [
            "/tiers/0/until_hours_before",
            "/tiers/1/refund_percent",
            "/tiers/2/until_hours_before",
            "/tiers/2/refund_percent",
            "/grace_minutes",
        ]
    );
}

#[test]
fn rescheduling_policies_are_accepted_up_to_each_limit() {
    let check = |at_most, until_minutes_before| {
        let policy = ReschedulePolicy { at_most, until_minutes_before, ..Default::default() };
        policy.check().map_err(|violations| violations.to_string())
    };
    assert_eq!(check(None, 0), Ok(()));
    assert_eq!(check(Some(MAX_RESCHEDULES), MAX_RESCHEDULE_NOTICE_MINUTES), Ok(()));
    assert_eq!(
        check(Some(MAX_RESCHEDULES + 1), MAX_RESCHEDULE_NOTICE_MINUTES + 1),
        Err("/at_most: must be from 0 to 1000, got 1001; \
             /until_minutes_before: must be from 0 to 527040, got 527041"
            .to_owned())
    );
}

#[test]
fn percentages_serialize_as_they_deserialize() {
    for number in [0, 1, 55, 100] {
        let percent: Percent = serde_json::from_value(number.into()).expect("a percentage");
        assert_eq!(percent.value(), number);
        assert_eq!(serde_json::to_value(percent).expect("a number"), number);
    }
    for wrong in ["101", "-1", "0.5"] {
        assert!(serde_json::from_str::<Percent>(wrong).is_err(), "{wrong}");
    }
    let schema = schemars::schema_for!(Percent);
    assert_eq!((schema.get("minimum"), schema.get("maximum")), (Some(&0.into()), Some(&100.into())));
}

#[test]
fn limited_policy_gives_back_no_more_than_the_share() {
    let policy = CancellationPolicy {
        tiers: vec![tier(48, 100), tier(24, 50), tier(1, 10)],
        ..CancellationPolicy::default()
    };
    let limited = |percent| policy.clone().limited_to(Percent::new(percent).expect("a percentage")).tiers;
    assert_eq!(limited(100), policy.tiers);
    assert_eq!(limited(50), [tier(24, 50), tier(1, 10)]);
    assert_eq!(limited(30), [tier(24, 30), tier(1, 10)]);
    assert_eq!(limited(0), [tier(1, 0)]);
    assert_eq!(policy.clone().limited_to(Percent::new(30).expect("a percentage")).check(), Ok(()));
}
