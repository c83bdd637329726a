//! Dispatches in order, cut into submissions that end soon.
//!
//! Systems reset a device that a single submission keeps busy for seconds, and a program that waits for one cannot be
//! stopped. So every dispatch says how much it costs, and what has been recorded is submitted whenever that is worth
//! about a tenth of a second at the rate that the device has shown.

use std::collections::VecDeque;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use bytemuck::Pod;

use super::adapter::AdapterKind;
use super::{Buffer, Gpu};
use crate::{Error, Result};

/// How long a submission should take \[s\].
const SUBMISSION: f64 = 0.1;

/// Submissions that may wait for the device, so that it never waits for the next.
const WAITING: usize = 2;

/// Dispatches of a submission, at most: they hold their uniforms.
const DISPATCHES: usize = 512;

/// After this long without an answer a device is given up.
const PATIENCE: Duration = Duration::from_secs(120);

/// A compute shader and what it is specialised for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kernel {
    pub source: &'static str,
    pub entry: &'static str,
    /// Values of its overridable constants.
    pub constants: &'static [(&'static str, f64)],
}

impl Kernel {
    /// What tells it from all others: where its source is, and what of it is meant.
    pub(super) fn name(&self) -> String {
        format!("{:p} {} {:?}", self.source, self.entry, self.constants)
    }
}

/// How fast a device has been, in the units of cost that dispatches are given in: about one pair of points.
pub(super) struct Pace {
    per_second: f64,
}

impl Pace {
    pub fn new(kind: AdapterKind) -> Self {
        let per_second = match kind {
            AdapterKind::Discrete => 1e11,
            AdapterKind::Integrated | AdapterKind::Virtual | AdapterKind::Other => 1e10,
            AdapterKind::Software => 1e8,
        };
        Self { per_second }
    }

    /// Takes note of a submission. Costs are estimates: one measurement moves the rate by a factor of two at most.
    fn observe(&mut self, cost: f64, seconds: f64) {
        let seen = cost / seconds.max(1e-6);
        self.per_second = seen.clamp(0.5 * self.per_second, 2.0 * self.per_second);
    }
}

/// A sequence of dispatches, each of which sees what those before have written.
pub(crate) struct Work<'a> {
    gpu: &'a Gpu,
    encoder: wgpu::CommandEncoder,
    dispatches: usize,
    cost: f64,
    waiting: VecDeque<(wgpu::SubmissionIndex, f64)>,
    /// When the last submission is known to have ended, or the first was made.
    since: Instant,
}

impl<'a> Work<'a> {
    pub fn new(gpu: &'a Gpu) -> Self {
        let encoder = gpu.0.device.create_command_encoder(&Default::default());
        Self { gpu, encoder, dispatches: 0, cost: 0.0, waiting: VecDeque::new(), since: Instant::now() }
    }

    /// Records a dispatch of some workgroups. `parameters` are bound at 0 as a uniform, the buffers from 1 on. Kernels
    /// number their workgroups by `x + y · count of x`, as one axis may not hold them all; those beyond `groups` are
    /// the kernel's to ignore.
    pub fn run<P: Pod>(
        &mut self,
        kernel: &Kernel,
        parameters: &P,
        buffers: &[&Buffer],
        groups: usize,
        cost: f64,
    ) -> Result<()> {
        if groups == 0 {
            return Ok(());
        }
        let limit = self.gpu.0.adapter.workgroups as usize;
        let rows = groups.div_ceil(limit);
        if rows > limit {
            let (needed, limit) = (groups as u64, (limit * limit) as u64);
            return Err(Error::DeviceLimit { what: "workgroups", needed, limit });
        }
        let width = groups.div_ceil(rows);
        let pipeline = self.gpu.pipeline(kernel);
        let uniform = self.gpu.uniform(bytemuck::bytes_of(parameters));
        let resources = std::iter::once(&uniform).chain(buffers.iter().map(|buffer| &buffer.raw));
        let entries: Vec<_> = resources
            .zip(0..)
            .map(|(buffer, binding)| wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() })
            .collect();
        let bindings = self.gpu.0.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(kernel.entry),
            layout: &pipeline.get_bind_group_layout(0),
            entries: &entries,
        });
        let mut pass = self.encoder.begin_compute_pass(&Default::default());
        pass.set_pipeline(&pipeline);
        pass.set_bind_group(0, &bindings, &[]);
        pass.dispatch_workgroups(width as u32, rows as u32, 1);
        drop(pass);
        self.gpu.0.faults.check()?;
        self.dispatches += 1;
        self.cost += cost;
        if self.cost > self.budget() || self.dispatches >= DISPATCHES {
            self.submit()?;
        }
        Ok(())
    }

    /// Records the dispatches of a kernel whose workgroups know nothing of each other, in as many parts as fit into
    /// submissions. `parameters` are told the first workgroup of a part.
    pub fn run_in_parts<P: Pod>(
        &mut self,
        kernel: &Kernel,
        parameters: impl Fn(u32) -> P,
        buffers: &[&Buffer],
        groups: usize,
        cost: f64,
    ) -> Result<()> {
        let limit = self.gpu.0.adapter.workgroups as usize;
        let mut first = 0;
        while first < groups {
            let fits = self.budget() / (cost / groups as f64).max(1e-9);
            // Along one axis only: no workgroup of a part reaches into the next.
            let count = (fits.max(1.0) as usize).min(limit).min(groups - first);
            let part = cost * count as f64 / groups as f64;
            self.run(kernel, &parameters(first as u32), buffers, count, part)?;
            first += count;
        }
        Ok(())
    }

    /// Submits what is left, without waiting for it.
    pub fn finish(mut self) -> Result<()> {
        self.submit()
    }

    fn budget(&self) -> f64 {
        let pace = self.gpu.0.pace.lock().unwrap_or_else(PoisonError::into_inner);
        SUBMISSION * pace.per_second
    }

    fn submit(&mut self) -> Result<()> {
        if self.dispatches == 0 {
            return self.gpu.0.faults.check();
        }
        let next = self.gpu.0.device.create_command_encoder(&Default::default());
        let recorded = std::mem::replace(&mut self.encoder, next).finish();
        if self.waiting.is_empty() {
            self.since = Instant::now();
        }
        self.waiting.push_back((self.gpu.0.queue.submit([recorded]), self.cost));
        (self.dispatches, self.cost) = (0, 0.0);
        while self.waiting.len() > WAITING {
            let Some((submission, cost)) = self.waiting.pop_front() else { break };
            self.gpu.wait(submission)?;
            let seconds = self.since.elapsed().as_secs_f64();
            self.since = Instant::now();
            let mut pace = self.gpu.0.pace.lock().unwrap_or_else(PoisonError::into_inner);
            pace.observe(cost, seconds);
        }
        self.gpu.0.faults.check()
    }
}

impl Gpu {
    /// Waits until a submission has ended.
    pub(super) fn wait(&self, submission: wgpu::SubmissionIndex) -> Result<()> {
        let poll = wgpu::PollType::Wait { submission_index: Some(submission), timeout: Some(PATIENCE) };
        if let Err(error) = self.0.device.poll(poll) {
            let reason = format!("no answer within {} s: {error}", PATIENCE.as_secs());
            self.0.faults.report(Error::DeviceLost { reason });
        }
        self.0.faults.check()
    }
}
