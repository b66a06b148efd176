//! What suspended people can no longer do, and what they still can.

use domain::experts::members::Member;
use domain::identity::suspension::{DecidedBy, Suspension, SuspensionChange};
use domain::{InvitationId, Timestamp};
use store::Transaction;

use super::*;
use crate::testing::app;

const EXPERT: ExpertId = ExpertId::from_bits(1);
const CLIENT: ClientId = ClientId::from_bits(2);
const OTHER: u128 = 3;

fn actor(bits: u128, role: Role) -> Actor {
    Actor::Person(SignedInPerson::new(bits, vec![role], Scope::FULL))
}

/// The use cases, with these people suspended. The last person of the others is a manager of the expert.
async fn with_suspended(suspended: &[u128], manager: Option<u128>) -> App {
    let app = app();
    let mut transaction = Transaction::new();
    for bits in suspended {
        let change = SuspensionChange {
            suspended: true,
            reason: "Fraud".to_owned().try_into().expect("a text"),
            by: DecidedBy::Platform,
            at: Timestamp::from_seconds(0),
        };
        let person = PersonId::from_bits(*bits);
        transaction.put_suspension(&Suspension::never(person).changed(change)).expect("storable");
    }
    if let Some(bits) = manager {
        let member = Member {
            expert: EXPERT,
            person: PersonId::from_bits(bits),
            version: 1,
            role: MemberRole::Manager,
            name: "Ines".to_owned().try_into().expect("a text"),
            since: Timestamp::from_seconds(0),
            invitation: InvitationId::from_bits(1),
        };
        transaction.put_member(&member).expect("storable");
    }
    if !transaction.is_empty() {
        app.store.commit(transaction).await.expect("committed");
    }
    app
}

fn is_refused<T: std::fmt::Debug>(result: Result<T, AppError>) -> bool {
    match result {
        Ok(_) => false,
        Err(AppError::Forbidden(reason)) => reason == SUSPENDED,
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn suspended_administrator_can_read_and_change_nothing() {
    let admin = actor(OTHER, Role::Admin);
    for (suspended, refused) in [(vec![], false), (vec![OTHER], true)] {
        let app = &with_suspended(&suspended, None).await;
        assert_eq!(is_refused(admin.require_active(app, Role::Admin).await), refused);
        assert_eq!(is_refused(admin.require_impartial_admin(app, EXPERT).await), refused);
        assert_eq!(is_refused(admin.require_active_person(app).await), refused);
        let acting = async |scope| admin.side_of(app, EXPERT, CLIENT, scope).await;
        assert_eq!(is_refused(acting(Scope::Write).await), refused, "in an appointment");
        assert!(!is_refused(acting(Scope::Read).await));
        assert!(admin.require_role(Role::Admin, Scope::Read).is_ok());
    }
}

#[tokio::test]
async fn suspended_member_does_not_act_for_the_expert() {
    let member = actor(OTHER, Role::Client);
    // The member, or the expert for whom they act.
    for (suspended, for_expert, in_appointment) in
        [(vec![], false, false), (vec![OTHER], true, true), (vec![EXPERT.bits()], true, false)]
    {
        let app = &with_suspended(&suspended, Some(OTHER)).await;
        for right in [Right::Schedule, Right::Money] {
            let may = async |scope| member.require_right(app, EXPERT, right, scope).await;
            assert_eq!(is_refused(may(Scope::Write).await), for_expert, "{suspended:?} {right:?}");
            assert!(!is_refused(may(Scope::Read).await));
        }
        let acting = async |scope| member.side_of(app, EXPERT, CLIENT, scope).await;
        assert_eq!(is_refused(acting(Scope::Write).await), in_appointment, "{suspended:?}");
        assert!(!is_refused(acting(Scope::Read).await));
    }
}

#[tokio::test]
async fn suspended_expert_and_client_act_in_sessions_of_their_own_only() {
    for (bits, role) in [(EXPERT.bits(), Role::Expert), (CLIENT.bits(), Role::Client)] {
        let app = &with_suspended(&[bits], None).await;
        let person = actor(bits, role);
        assert!(is_refused(person.require_active(app, role).await));
        let acting = person.side_of(app, EXPERT, CLIENT, Scope::Write).await.expect("possible");
        let own = if role == Role::Expert { ActingAs::Expert } else { ActingAs::Client };
        assert_eq!(acting, Some(own));
    }
    let app = &with_suspended(&[EXPERT.bits()], None).await;
    let expert = actor(EXPERT.bits(), Role::Expert);
    assert!(is_refused(expert.require_right(app, EXPERT, Right::Schedule, Scope::Write).await));
    assert!(!is_refused(expert.require_right(app, EXPERT, Right::Account, Scope::Write).await));
}
