//! Codes and refresh tokens that are out. They live in memory: after a restart people sign in anew.

use std::collections::{HashMap, HashSet};

use crate::random;

/// How long an authorization code is good for, in seconds.
const CODE_LASTS: i64 = 300;

/// How long a refresh token is good for, in seconds.
const REFRESH_LASTS: i64 = 30 * 86_400;

/// What somebody agreed to.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    pub(super) subject: String,
    pub(super) scope: String,
    pub(super) nonce: Option<String>,
    /// When the person signed in, in Unix seconds.
    pub(super) signed_in_at: i64,
    /// All tokens that descend from one sign-in.
    pub(super) family: String,
}

/// An authorization code.
#[derive(Debug, Clone)]
pub(super) struct Code {
    pub(super) grant: Grant,
    pub(super) redirect_uri: String,
    /// The S256 challenge.
    pub(super) challenge: String,
    expires_at: i64,
    used: bool,
}

#[derive(Debug, Clone)]
struct Refresh {
    grant: Grant,
    expires_at: i64,
    used: bool,
}

#[derive(Debug, Default)]
pub(super) struct Sessions {
    codes: HashMap<String, Code>,
    refreshes: HashMap<String, Refresh>,
    /// Families of which something was used twice.
    revoked: HashSet<String>,
}

impl Sessions {
    pub(super) fn issue_code(
        &mut self,
        grant: Grant,
        redirect_uri: String,
        challenge: String,
        now: i64,
    ) -> String {
        self.forget(now);
        let code = random::secret();
        let kept = Code { grant, redirect_uri, challenge, expires_at: now + CODE_LASTS, used: false };
        self.codes.insert(code.clone(), kept);
        code
    }

    /// Uses up a code. One that comes a second time was stolen by somebody: all that came of it is revoked.
    pub(super) fn take_code(&mut self, code: &str, now: i64) -> Option<Code> {
        let code = self.codes.get_mut(code)?;
        if code.used {
            self.revoked.insert(code.grant.family.clone());
            return None;
        }
        code.used = true;
        (code.expires_at > now).then(|| code.clone())
    }

    pub(super) fn issue_refresh(&mut self, grant: Grant, now: i64) -> String {
        self.forget(now);
        let token = random::secret();
        self.refreshes.insert(token.clone(), Refresh { grant, expires_at: now + REFRESH_LASTS, used: false });
        token
    }

    /// Uses up a refresh token, under the same rule.
    pub(super) fn take_refresh(&mut self, token: &str, now: i64) -> Option<Grant> {
        let refresh = self.refreshes.get_mut(token)?;
        if refresh.used {
            self.revoked.insert(refresh.grant.family.clone());
            return None;
        }
        refresh.used = true;
        let good = refresh.expires_at > now && !self.revoked.contains(&refresh.grant.family);
        good.then(|| refresh.grant.clone())
    }

    /// What has run out can be forgotten: it is refused either way.
    fn forget(&mut self, now: i64) {
        self.codes.retain(|_, code| code.expires_at + REFRESH_LASTS > now);
        self.refreshes.retain(|_, refresh| refresh.expires_at > now);
    }
}
