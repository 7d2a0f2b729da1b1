//! Who the server runs as. PostgreSQL refuses root, so root hands it to an unprivileged account.

use super::{EmbeddedError, io_at, owner_of};
use nix::unistd::{Uid, User, geteuid};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs};

/// The account of the server's processes and files.
#[derive(Clone, Debug)]
pub(super) struct Account {
    /// None: our own.
    other: Option<User>,
}

impl Account {
    /// Ours, unless we are root: then the owner of the cluster, else `postgres`, else `nobody`.
    pub(super) fn choose(folder: &Path) -> Result<Self, EmbeddedError> {
        let we = geteuid();
        let owner = owner_of(folder);
        if !we.is_root() {
            return match owner {
                Some(owner) if owner != we.as_raw() => {
                    Err(EmbeddedError::NotOurs { folder: folder.to_owned(), owner, we: we.as_raw() })
                }
                _ => Ok(Self { other: None }),
            };
        }
        let by_owner =
            owner.filter(|uid| *uid != 0).and_then(|uid| User::from_uid(Uid::from_raw(uid)).ok().flatten());
        let by_name = |name| User::from_name(name).ok().flatten().filter(|user| !user.uid.is_root());
        let other = by_owner.or_else(|| by_name("postgres")).or_else(|| by_name("nobody"));
        other.map(|user| Self { other: Some(user) }).ok_or(EmbeddedError::NoAccount)
    }

    /// Whether it is not our own.
    pub(super) const fn is_other(&self) -> bool {
        self.other.is_some()
    }

    /// Its uid.
    pub(super) fn uid(&self) -> u32 {
        self.other.as_ref().map_or_else(geteuid, |user| user.uid).as_raw()
    }

    /// A command that runs as it, in a process group of its own (a Ctrl-C must reach us alone), and
    /// without the environment variables that would change what PostgreSQL does.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        // The account may not be allowed into our working directory.
        command.current_dir("/").stdin(Stdio::null()).process_group(0);
        for (name, _) in env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"PG") {
                command.env_remove(name);
            }
        }
        if let Some(user) = &self.other {
            // Also drops the supplementary groups of root.
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        command
    }

    /// Gives it a folder, closed to everyone else.
    pub(super) fn own(&self, folder: &Path) -> Result<(), EmbeddedError> {
        if let Some(user) = &self.other {
            io_at("give away", folder, chown(folder, Some(user.uid.as_raw()), Some(user.gid.as_raw())))?;
        }
        io_at("set the mode of", folder, fs::set_permissions(folder, fs::Permissions::from_mode(0o700)))
    }

    /// Checks that it can get to a folder, which is absolute and has no links.
    pub(super) fn check_reach(&self, folder: &Path) -> Result<(), EmbeddedError> {
        let Some(user) = &self.other else { return Ok(()) };
        let mut way: Vec<&Path> = folder.ancestors().collect();
        way.reverse();
        for parent in way {
            // Asks the kernel as that account: modes alone do not tell of access lists.
            let status = self
                .command(Path::new("/bin/sh"))
                .args(["-c", "cd -- \"$0\""])
                .arg(parent)
                .stderr(Stdio::null())
                .status();
            if !io_at("run", Path::new("/bin/sh"), status)?.success() {
                return Err(EmbeddedError::Unreachable {
                    account: user.name.clone(),
                    parent: parent.to_owned(),
                });
            }
        }
        Ok(())
    }
}
