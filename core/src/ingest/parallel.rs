//! Blocks of a text read by several threads, and what they gave put together in the order of the file.
//!
//! One thread cuts the text and gives block after block to each worker in turn; the caller's thread takes
//! the outcomes in the same turn. Every channel holds one block, so memory does not grow with the file,
//! and the outcome is the same with any number of threads.

use super::blocks::Block;
use super::error::FileError;
use super::limits::Limits;
use super::table::Delimited;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// Reads every block with `work`, which may keep what speeds it up (and changes no outcome) in its
/// state, and gives the outcomes in order to `merge`, until that says `false`.
///
/// # Errors
/// What the text or `merge` answers.
pub(super) fn blocks<S: Default, T: Send>(
    text: &Delimited<'_>,
    limits: &Limits,
    threads: usize,
    work: &(impl Fn(&mut S, Block) -> T + Sync),
    merge: &mut dyn FnMut(T) -> Result<bool, FileError>,
) -> Result<(), FileError> {
    if threads < 2 {
        let mut state = S::default();
        return text.blocks(limits, &mut |block| merge(work(&mut state, block)));
    }
    let (sends, blocks): (Vec<SyncSender<Block>>, Vec<Receiver<Block>>) =
        (0..threads).map(|_| sync_channel(1)).unzip();
    let (outcomes, receives): (Vec<SyncSender<T>>, Vec<Receiver<T>>) =
        (0..threads).map(|_| sync_channel(1)).unzip();
    thread::scope(|scope| {
        let splitter = scope.spawn(move || {
            let mut turn = sends.iter().cycle();
            // A worker that is gone was told to stop.
            text.blocks(limits, &mut |block| Ok(turn.next().is_some_and(|to| to.send(block).is_ok())))
        });
        for (blocks, outcomes) in blocks.into_iter().zip(outcomes) {
            scope.spawn(move || {
                let mut state = S::default();
                for block in blocks {
                    if outcomes.send(work(&mut state, block)).is_err() {
                        break;
                    }
                }
            });
        }
        let merged = take_turns(receives, merge);
        // Rows before a damage are merged first, so that the first mistake of the file is the one told.
        let split = splitter.join().unwrap_or_else(|_| Err(died()));
        merged.and(split)
    })
}

fn take_turns<T>(
    receives: Vec<Receiver<T>>,
    merge: &mut dyn FnMut(T) -> Result<bool, FileError>,
) -> Result<(), FileError> {
    for turn in receives.iter().cycle() {
        // No more from the one whose turn it is: the end.
        let Ok(outcome) = turn.recv() else { break };
        if !merge(outcome)? {
            break;
        }
    }
    drop(receives);
    Ok(())
}

fn died() -> FileError {
    FileError::Unreadable("a thread that reads the file died".to_owned())
}
