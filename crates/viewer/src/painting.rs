//! Points and arcs on the device: uploaded once, drawn every frame.

use std::collections::BTreeMap;

use barrow_geometry::Bounds;
use bytemuck::{Pod, Zeroable};
use kiss3d::camera::Camera3d;
use kiss3d::context::Context;
use kiss3d::renderer::Renderer3d;
use kiss3d::resource::{RenderContext, multisample_state};
use nalgebra::{Isometry3, Point3};

use crate::legend::Rgba;

/// A point as the device has it.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub(crate) struct Dot {
    /// Relative to the scene's origin \[m\].
    pub place: [f32; 3],
    pub color: Rgba,
}

/// A straight line as the device has it.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub(crate) struct Stroke {
    pub ends: [Dot; 2],
}

/// What a shader knows of a layer.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
struct Uniform {
    /// From the layer's coordinates to the scene's.
    model: [[f32; 4]; 4],
    /// From the scene's coordinates to the picture.
    view: [[f32; 4]; 4],
    /// What lies outside is left out; the fourth numbers fill up.
    least: [f32; 4],
    most: [f32; 4],
    /// Of the picture \[pixel\].
    size: [f32; 2],
    /// Edge of a point, width of a line \[pixel\].
    width: f32,
    unused: f32,
}

/// How something is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// One pixel a point: what a device in software draws ten times as fast.
    Pixel,
    Square,
    Line,
}

/// Points or lines that move together.
pub(crate) struct Layer {
    kind: Kind,
    vertices: wgpu::Buffer,
    uniform: wgpu::Buffer,
    bound: wgpu::BindGroup,
    count: u32,
    pub pose: Isometry3<f64>,
    /// Whether it goes where the source goes.
    pub moves: bool,
    /// Edge of a point, width of a line \[pixel\].
    pub width: f32,
    /// Share that is drawn, of points in random order.
    pub share: f64,
}

impl Layer {
    pub fn is_points(&self) -> bool {
        self.kind == Kind::Square
    }

    pub fn len(&self) -> u32 {
        self.count
    }
}

/// All that is drawn.
pub(crate) struct Painting {
    pub layers: Vec<Layer>,
    /// What changes with every step of a registration.
    pub matches: Option<Layer>,
    pub clip: Option<Bounds>,
    origin: Point3<f64>,
    group: wgpu::BindGroupLayout,
    layout: wgpu::PipelineLayout,
    shader: wgpu::ShaderModule,
    pipelines: BTreeMap<(Kind, u32), wgpu::RenderPipeline>,
}

impl Painting {
    /// Nothing yet. A window or an off-screen surface must be there.
    pub fn new(origin: Point3<f64>) -> Self {
        let context = Context::get();
        let group = context.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("layer"),
            entries: &[wgpu::BindGroupLayoutEntry {
                binding: 0,
                visibility: wgpu::ShaderStages::VERTEX,
                ty: wgpu::BindingType::Buffer {
                    ty: wgpu::BufferBindingType::Uniform,
                    has_dynamic_offset: false,
                    min_binding_size: None,
                },
                count: None,
            }],
        });
        let layout = context.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("layer"),
            bind_group_layouts: &[Some(&group)],
            immediate_size: 0,
        });
        let shader = context.create_shader_module(Some("layer"), barrow_shaders::LOOK);
        Self {
            layers: Vec::new(),
            matches: None,
            clip: None,
            origin,
            group,
            layout,
            shader,
            pipelines: BTreeMap::new(),
        }
    }

    /// Points in random order.
    pub fn dots(&self, dots: &[Dot], pose: Isometry3<f64>, moves: bool) -> Layer {
        let layer = self.layer(Kind::Square, bytemuck::cast_slice(dots), dots.len());
        Layer { pose, moves, ..layer }
    }

    /// Lines that let through what lies behind them.
    pub fn strokes(&self, strokes: &[Stroke]) -> Layer {
        self.layer(Kind::Line, bytemuck::cast_slice(strokes), strokes.len())
    }

    fn layer(&self, kind: Kind, bytes: &[u8], count: usize) -> Layer {
        let context = Context::get();
        let vertices = context.create_buffer_init(Some("vertices"), bytes, wgpu::BufferUsages::VERTEX);
        let usage = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
        let uniform = context.create_buffer_simple(Some("uniform"), size_of::<Uniform>() as u64, usage);
        let bound = context.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("layer"),
            layout: &self.group,
            entries: &[wgpu::BindGroupEntry { binding: 0, resource: uniform.as_entire_binding() }],
        });
        let (pose, moves, count) = (Isometry3::identity(), false, count as u32);
        Layer { kind, vertices, uniform, bound, count, pose, moves, width: 1.5, share: 1.0 }
    }

    fn uniform(&self, layer: &Layer, camera: &dyn Camera3d, pass: usize, size: [f32; 2]) -> Uniform {
        let (view, projection) = camera.view_transform_pair(pass);
        // About the origin: a turn about a point far away would lose all digits.
        let turn = layer.pose.rotation.to_rotation_matrix();
        let shift = layer.pose * self.origin - self.origin;
        let column = |axis: usize| {
            let column = turn.matrix().column(axis);
            [column[0] as f32, column[1] as f32, column[2] as f32, 0.0]
        };
        let corner = |corner: Point3<f64>, otherwise: f32| {
            let offset = corner - self.origin;
            [offset.x as f32, offset.y as f32, offset.z as f32, otherwise]
        };
        let everywhere = f32::MAX;
        Uniform {
            model: [column(0), column(1), column(2), [shift.x as f32, shift.y as f32, shift.z as f32, 1.0]],
            view: (projection * view.to_mat4()).to_cols_array_2d(),
            least: self.clip.map_or([-everywhere; 4], |clip| corner(clip.min, 0.0)),
            most: self.clip.map_or([everywhere; 4], |clip| corner(clip.max, 0.0)),
            size,
            width: layer.width,
            unused: 0.0,
        }
    }

    fn pipeline(&mut self, kind: Kind, samples: u32) -> &wgpu::RenderPipeline {
        self.pipelines
            .entry((kind, samples))
            .or_insert_with(|| built(kind, samples, &self.layout, &self.shader))
    }
}

fn built(
    kind: Kind,
    samples: u32,
    layout: &wgpu::PipelineLayout,
    shader: &wgpu::ShaderModule,
) -> wgpu::RenderPipeline {
    let dot = wgpu::vertex_attr_array![0 => Float32x3, 1 => Unorm8x4];
    let stroke = wgpu::vertex_attr_array![0 => Float32x3, 1 => Unorm8x4, 2 => Float32x3, 3 => Unorm8x4];
    let (attributes, size, entry): (&[_], _, _) = match kind {
        Kind::Pixel => (&dot, size_of::<Dot>(), "pixel"),
        Kind::Square => (&dot, size_of::<Dot>(), "square"),
        Kind::Line => (&stroke, size_of::<Stroke>(), "line"),
    };
    let is_pixel = kind == Kind::Pixel;
    let step_mode = if is_pixel { wgpu::VertexStepMode::Vertex } else { wgpu::VertexStepMode::Instance };
    let topology =
        if is_pixel { wgpu::PrimitiveTopology::PointList } else { wgpu::PrimitiveTopology::TriangleStrip };
    Context::get().create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: Some(entry),
        layout: Some(layout),
        vertex: wgpu::VertexState {
            module: shader,
            entry_point: Some(entry),
            buffers: &[Some(wgpu::VertexBufferLayout { array_stride: size as u64, step_mode, attributes })],
            compilation_options: Default::default(),
        },
        fragment: Some(wgpu::FragmentState {
            module: shader,
            entry_point: Some("filled"),
            targets: &[Some(wgpu::ColorTargetState {
                format: Context::render_format(),
                blend: (kind == Kind::Line).then_some(wgpu::BlendState::ALPHA_BLENDING),
                write_mask: wgpu::ColorWrites::ALL,
            })],
            compilation_options: Default::default(),
        }),
        primitive: wgpu::PrimitiveState { topology, ..Default::default() },
        depth_stencil: Some(wgpu::DepthStencilState {
            format: Context::depth_format(),
            // Lines are hidden by points, and do not hide each other.
            depth_write_enabled: Some(kind != Kind::Line),
            depth_compare: Some(wgpu::CompareFunction::LessEqual),
            stencil: Default::default(),
            bias: Default::default(),
        }),
        multisample: multisample_state(samples),
        multiview_mask: None,
        cache: None,
    })
}

impl Renderer3d for Painting {
    fn render(
        &mut self,
        pass: usize,
        camera: &mut dyn Camera3d,
        render_pass: &mut wgpu::RenderPass<'_>,
        context: &RenderContext,
    ) {
        let size = [context.viewport_width as f32, context.viewport_height as f32];
        let (layers, matches) = (std::mem::take(&mut self.layers), self.matches.take());
        for layer in layers.iter().chain(&matches) {
            let count = (layer.share.clamp(0.0, 1.0) * f64::from(layer.count)).ceil() as u32;
            if count == 0 {
                continue;
            }
            let uniform = self.uniform(layer, camera, pass, size);
            Context::get().write_buffer(&layer.uniform, 0, bytemuck::bytes_of(&uniform));
            let kind =
                if layer.kind == Kind::Square && layer.width <= 1.0 { Kind::Pixel } else { layer.kind };
            render_pass.set_pipeline(self.pipeline(kind, context.sample_count));
            render_pass.set_bind_group(0, &layer.bound, &[]);
            render_pass.set_vertex_buffer(0, layer.vertices.slice(..));
            match kind {
                Kind::Pixel => render_pass.draw(0..count, 0..1),
                Kind::Square | Kind::Line => render_pass.draw(0..4, 0..count),
            }
        }
        (self.layers, self.matches) = (layers, matches);
    }
}
