//! A process that asks a runtime API of its own for invocations.

use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::runtime_api::{Ended, RuntimeApi};
use super::{Invoked, Settings};

pub(super) struct Instance {
    process: Child,
    api: RuntimeApi,
}

impl Instance {
    pub(super) async fn start(mut program: Command) -> Self {
        let api = RuntimeApi::start().await;
        program
            .env("AWS_LAMBDA_RUNTIME_API", api.address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "goat-market")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH", "true");
        let process = program.spawn().expect("the program starts");
        api.set_process(process.id());
        Self { process, api }
    }

    /// Thaws it and hands it an event; it is frozen again when it has answered.
    ///
    /// Also tells when it had to end, if it got the event.
    pub(super) async fn run(
        &mut self,
        event: Value,
        settings: &Settings,
    ) -> (Invoked, Option<SystemTime>) {
        let invocation = self.api.hand_over(event, settings);
        signal(self.process.id(), "-CONT");
        // The time of an invocation begins when it is asked for: until then an instance starts.
        let deadline = tokio::select! {
            deadline = invocation.taken => deadline.expect("it is taken once"),
            status = exit(&mut self.process) => return (ended(status), None),
        };
        let ended = tokio::select! {
            ended = timeout(settings.timeout, invocation.ended) => match ended {
                Ok(Ok(Ended::Answered(answer))) => Invoked::Answered(answer),
                Ok(Ok(Ended::Failed(error))) => Invoked::Failed(error),
                Ok(Err(_)) => unreachable!("the runtime API keeps what it has not answered"),
                Err(_) => Invoked::TimedOut,
            },
            status = exit(&mut self.process) => ended(status),
        };
        if matches!(ended, Invoked::TimedOut) {
            self.kill();
        }
        (ended, Some(deadline))
    }

    pub(super) fn process(&self) -> u32 {
        self.process.id()
    }

    fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn exit(process: &mut Child) -> ExitStatus {
    loop {
        if let Some(status) = process.try_wait().unwrap() {
            return status;
        }
        sleep(Duration::from_millis(20)).await;
    }
}

fn ended(status: ExitStatus) -> Invoked {
    Invoked::Failed(format!("the instance ended: {status}"))
}

/// Sends a signal to a process, which may have ended already.
pub(super) fn signal(process: u32, name: &str) {
    // The shell's own `kill`: the program of that name is not on every machine.
    let kill = format!("kill {name} {process}");
    let mut shell = Command::new("sh");
    let shell = shell.args(["-c", &kill]).stderr(Stdio::null());
    shell.status().expect("kill runs");
}
