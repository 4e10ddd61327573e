//! Others' work beside the tests: `stress-ng` on every processor, at the priority of everybody.

use super::scratch::Scratch;
use crate::cluster::keeper::{Child, Keeper};
use crate::parts;
use crate::ui::{Failure, Outcome, Ui};

/// When it ends by itself, whatever happens to this process.
const LIMIT: &str = "4h";

/// Runs until it is dropped, or this process ends.
#[derive(Debug)]
pub(super) struct Stress {
    keeper: Keeper,
    _dir: Scratch,
}

impl Stress {
    /// Starts it, on every processor.
    pub(super) fn start(ui: &Ui) -> Outcome<Self> {
        parts::packages(&["stress-ng"], ui)?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let dir = Scratch::new("stress")?;
        let args = ["--cpu", &cores.to_string(), "--timeout", LIMIT].map(str::to_owned).to_vec();
        let keeper = Keeper::start(vec![Child { name: "stress-ng", program: "stress-ng".into(), args }], &dir.0)?;
        ui.say(format!("stress-ng keeps {cores} processors busy beside the tests"));
        Ok(Self { keeper, _dir: dir })
    }

    /// Ends it. It must have been there all the time.
    pub(super) fn end(self) -> Outcome<()> {
        match self.keeper.ended() {
            None => Ok(()),
            Some(name) => Err(Failure::new(
                format!("{name} ended before the tests"),
                "they were not played on a busy machine to their end",
                "play them again",
            )),
        }
    }
}
