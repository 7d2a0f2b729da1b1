//! Work on many things by several threads, with the outcomes in the order of the things: the number of threads
//! changes no outcome.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// Pieces of the list per thread: things differ in size, and none should wait for the largest.
const PIECES: usize = 16;

/// Does `work` on every item and answers the outcomes in the order of the items. 0 and 1 threads: the caller's own
/// and no other.
pub fn each<T: Sync, R: Send>(items: &[T], threads: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    if threads < 2 || items.len() < 2 {
        return items.iter().map(work).collect();
    }
    let size = NonZero::new(items.len() / (threads * PIECES)).map_or(1, NonZero::get);
    let pieces: Vec<&[T]> = items.chunks(size).collect();
    let next = AtomicUsize::new(0);
    let take = || {
        let mut done = Vec::new();
        while let Some((at, piece)) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            pieces.get(at).map(|piece| (at, *piece))
        } {
            done.push((at, piece.iter().map(&work).collect::<Vec<R>>()));
        }
        done
    };
    let mut done = thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(pieces.len())).map(|_| scope.spawn(take)).collect();
        let mut done = take();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().flat_map(|(_, outcomes)| outcomes).collect()
}

/// Does `work` on every item and gives the outcomes to `take` in the order of the items, each as soon as it is
/// its turn: no more of them wait than there are threads.
///
/// # Errors
/// What `take` answers first; then no more is given to it.
pub fn in_order<T: Sync, R: Send, E>(
    items: &[T],
    threads: usize,
    work: impl Fn(&T) -> R + Sync,
    take: &mut dyn FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    if threads < 2 || items.len() < 2 {
        return items.iter().map(work).try_for_each(take);
    }
    let (sends, receives): (Vec<SyncSender<R>>, Vec<Receiver<R>>) =
        (0..threads.min(items.len())).map(|_| sync_channel(1)).unzip();
    let turns = sends.len();
    thread::scope(|scope| {
        for (turn, outcomes) in sends.into_iter().enumerate() {
            let mut own = items.iter().skip(turn).step_by(turns).map(&work);
            // An outcome that nobody takes ends the work.
            scope.spawn(move || own.try_for_each(|outcome| outcomes.send(outcome)));
        }
        // Dropped at the end, so that nobody waits for a place to put an outcome.
        let receives = receives;
        // No more from the one whose turn it is: the end.
        receives.iter().cycle().map_while(|turn| turn.recv().ok()).try_for_each(take)
    })
}

/// Does two things, at once where there are threads for it.
pub(crate) fn both<A, B: Send>(
    threads: usize,
    one: impl FnOnce() -> A,
    other: impl FnOnce() -> B + Send,
) -> (A, B) {
    if threads < 2 {
        return (one(), other());
    }
    thread::scope(|scope| {
        let other = scope.spawn(other);
        let one = one();
        (one, other.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_keep_the_order_of_the_items() {
        for (items, threads) in [(0, 4), (1, 4), (7, 2), (1000, 3), (1000, 1)] {
            let items: Vec<usize> = (0..items).collect();
            let doubled = each(&items, threads, |item| item * 2);
            assert_eq!(doubled, items.iter().map(|item| item * 2).collect::<Vec<_>>());
            let mut taken = Vec::new();
            let all: Result<(), usize> = in_order(&items, threads, |item| item * 2, &mut |outcome| {
                taken.push(outcome);
                if outcome == 1800 { Err(outcome) } else { Ok(()) }
            });
            assert_eq!(all, if items.len() == 1000 { Err(1800) } else { Ok(()) });
            assert_eq!(taken, doubled.into_iter().take(901).collect::<Vec<_>>());
        }
    }
}
