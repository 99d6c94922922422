//! A Lambda function: instances of the program that serve one invocation at a time.

mod event;
mod gateway;
mod instance;
mod runtime_api;

use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tokio::sync::Semaphore;

pub(crate) use gateway::serve;
use instance::{Instance, signal};

/// How a function is set up.
pub(crate) struct Settings {
    /// The program of an instance; the number counts instances from 0 on.
    pub(crate) program: Box<dyn Fn(usize) -> Command + Send + Sync>,
    /// How long an invocation may take before its instance is killed.
    pub(crate) timeout: Duration,
    /// What instances are told of their deadline, if it is not the truth.
    pub(crate) told_deadline: Option<u64>,
    /// How many instances there are at most; more invocations wait.
    pub(crate) instances: usize,
}

/// How an invocation ended.
#[derive(Debug)]
pub(crate) enum Invoked {
    Answered(Value),
    /// The function said that it failed, or its instance ended.
    Failed(String),
    /// Its instance was killed.
    TimedOut,
}

pub(crate) struct Function {
    settings: Settings,
    places: Semaphore,
    instances: Mutex<Instances>,
}

#[derive(Default)]
struct Instances {
    /// Those that are frozen.
    idle: Vec<Instance>,
    /// The processes of those that serve.
    running: Vec<u32>,
    set_aside: Vec<Instance>,
    started: usize,
    /// When invocations that timed out had to end.
    passed_deadlines: Vec<SystemTime>,
}

impl Function {
    pub(crate) fn new(settings: Settings) -> Arc<Self> {
        Arc::new(Self {
            places: Semaphore::new(settings.instances),
            settings,
            instances: Mutex::default(),
        })
    }

    /// Hands an event to an instance that is idle, or to a new one.
    pub(crate) async fn invoke(&self, event: Value) -> Invoked {
        let _place = self.places.acquire().await.unwrap();
        let idle = self.instances.lock().unwrap().idle.pop();
        let mut instance = match idle {
            Some(instance) => instance,
            None => self.start().await,
        };
        let process = instance.process();
        self.instances.lock().unwrap().running.push(process);
        let (invoked, deadline) = instance.run(event, &self.settings).await;
        let mut instances = self.instances.lock().unwrap();
        instances.running.retain(|running| *running != process);
        match invoked {
            // It is frozen already.
            Invoked::Answered(_) => instances.idle.push(instance),
            Invoked::TimedOut => instances.passed_deadlines.extend(deadline),
            Invoked::Failed(_) => {}
        }
        invoked
    }

    async fn start(&self) -> Instance {
        let number = {
            let mut instances = self.instances.lock().unwrap();
            instances.started += 1;
            instances.started - 1
        };
        Instance::start((self.settings.program)(number)).await
    }

    /// Leaves the instances that are idle frozen for good, so that others serve from now on.
    pub(crate) fn set_aside(&self) {
        let mut instances = self.instances.lock().unwrap();
        let idle = std::mem::take(&mut instances.idle);
        instances.set_aside.extend(idle);
    }

    /// Lets those serve again that were set aside, and sets the others aside.
    pub(crate) fn swap(&self) {
        let mut instances = self.instances.lock().unwrap();
        let Instances {
            idle, set_aside, ..
        } = &mut *instances;
        std::mem::swap(idle, set_aside);
    }

    /// Sends a signal to those that serve a request at this moment; tells how many these are.
    pub(crate) fn signal_running(&self, name: &str) -> usize {
        // Under the lock none of them is reaped, unless it ended by itself.
        let instances = self.instances.lock().unwrap();
        for process in &instances.running {
            signal(*process, name);
        }
        instances.running.len()
    }

    /// Kills one of those that serve a request at this moment, if there is one.
    pub(crate) fn kill_one(&self, draw: usize) -> bool {
        let instances = self.instances.lock().unwrap();
        let victim = draw.checked_rem(instances.running.len());
        let victim = victim.map(|victim| instances.running[victim]);
        victim
            .inspect(|process| signal(*process, "-KILL"))
            .is_some()
    }

    pub(crate) fn started(&self) -> usize {
        self.instances.lock().unwrap().started
    }

    /// When the last invocation that timed out had to end, by the clock of this process.
    pub(crate) fn passed_deadline(&self) -> Option<SystemTime> {
        self.instances
            .lock()
            .unwrap()
            .passed_deadlines
            .last()
            .copied()
    }
}
