//! Limits that a process of ours sets on itself before it reads what strangers sent.
//!
//! They are set by the process itself: between fork and exec it would need unsafe code.

use nix::sys::resource::{Resource, setrlimit};
use std::io;

/// Files that it may have open: the three that it is given, and one for the machine's clock or entropy.
const FILES: u64 = 8;

/// The environment of such a process: the allocator takes little memory from the kernel at once. By itself
/// it takes a gigabyte when the program starts, before there is a limit that could count it.
pub const COUNTED: [(&str, &str); 1] = [("MIMALLOC_ARENA_RESERVE", "8192")];

/// How much the process may use from here on, whatever comes.
#[derive(Clone, Copy, Debug)]
pub struct Confinement {
    /// Bytes of memory, program included.
    pub memory: u64,
    /// Seconds of processor time.
    pub processor: u64,
    /// No process and no thread beside it. Of root the kernel takes this for no limit.
    pub alone: bool,
}

impl Confinement {
    /// Takes the limits on: no file is written, none is opened, no core is dumped.
    ///
    /// # Errors
    /// When the kernel refuses one.
    pub fn apply(self) -> io::Result<()> {
        let set = |resource, most| setrlimit(resource, most, most).map_err(io::Error::from);
        set(Resource::RLIMIT_CORE, 0)?;
        set(Resource::RLIMIT_FSIZE, 0)?;
        set(Resource::RLIMIT_NOFILE, FILES)?;
        set(Resource::RLIMIT_CPU, self.processor)?;
        // Elsewhere the kernel takes these and does not keep to them, or refuses them.
        #[cfg(target_os = "linux")]
        {
            set(Resource::RLIMIT_DATA, self.memory)?;
            // The allocator reserves more than it uses.
            set(Resource::RLIMIT_AS, self.memory.saturating_mul(4))?;
            if self.alone {
                set(Resource::RLIMIT_NPROC, 0)?;
            }
        }
        Ok(())
    }
}
