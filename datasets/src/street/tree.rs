//! A tree of boxes that finds the first surface on a ray.

use barrow_geometry::Bounds;

use super::surface::{Hit, Ray, Surface, slabs};

/// Surfaces in one leaf: about where a box test costs as much as the surfaces it saves.
const LEAF: usize = 4;

/// A bounding-volume hierarchy, split at the median of the longest axis.
#[derive(Debug, Clone)]
pub(super) struct SurfaceTree {
    surfaces: Vec<Surface>,
    nodes: Vec<Node>,
}

#[derive(Debug, Clone)]
struct Node {
    bounds: Bounds,
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    Leaf {
        first: usize,
        count: usize,
    },
    /// The left child follows its parent.
    Split {
        right: usize,
    },
}

impl SurfaceTree {
    pub(super) fn new(mut surfaces: Vec<Surface>) -> Self {
        let mut nodes = Vec::new();
        if !surfaces.is_empty() {
            build(&mut surfaces, 0, &mut nodes);
        }
        Self { surfaces, nodes }
    }

    pub(super) fn surfaces(&self) -> &[Surface] {
        &self.surfaces
    }

    /// The first hit nearer than `limit`.
    pub(super) fn hit(&self, ray: &Ray, limit: f64) -> Option<Hit> {
        let mut best: Option<Hit> = None;
        let mut nearest = limit;
        let mut open = Vec::with_capacity(64);
        if !self.nodes.is_empty() {
            open.push((f64::NEG_INFINITY, 0));
        }
        while let Some((entry, index)) = open.pop() {
            if entry >= nearest {
                continue;
            }
            match self.nodes[index].content {
                Content::Leaf { first, count } => {
                    for surface in &self.surfaces[first..first + count] {
                        if let Some(hit) = surface.hit(ray, nearest) {
                            nearest = hit.distance;
                            best = Some(hit);
                        }
                    }
                }
                Content::Split { right } => {
                    let mut children = [self.entry(index + 1, ray), self.entry(right, ray)];
                    // The nearer child is opened first, that is pushed last.
                    children.sort_by(|a, b| b.0.total_cmp(&a.0));
                    open.extend(children.into_iter().filter(|child| child.0 < nearest));
                }
            }
        }
        best
    }

    /// Where a ray enters a node; infinity if it does not.
    fn entry(&self, index: usize, ray: &Ray) -> (f64, usize) {
        let bounds = &self.nodes[index].bounds;
        let meeting = slabs(&ray.origin.coords, &ray.direction, &bounds.min.coords, &bounds.max.coords);
        (meeting.map_or(f64::INFINITY, |((enter, _), _)| enter), index)
    }
}

/// Appends the subtree of some surfaces, the first of which has the index `first` in the tree.
fn build(surfaces: &mut [Surface], first: usize, nodes: &mut Vec<Node>) {
    let bounds = surfaces
        .iter()
        .map(Surface::bounds)
        .reduce(|a, b| Bounds { min: a.min.inf(&b.min), max: a.max.sup(&b.max) })
        .expect("a subtree has a surface");
    let count = surfaces.len();
    let node = nodes.len();
    nodes.push(Node { bounds, content: Content::Leaf { first, count } });
    if count <= LEAF {
        return;
    }
    let axis = bounds.extent().imax();
    let middle = |surface: &Surface| surface.bounds().center()[axis];
    // A stable sort: surfaces with equal middles keep the order they were made in.
    surfaces.sort_by(|a, b| middle(a).total_cmp(&middle(b)));
    let (left, right) = surfaces.split_at_mut(count / 2);
    build(left, first, nodes);
    let right_node = nodes.len();
    build(right, first + count / 2, nodes);
    nodes[node].content = Content::Split { right: right_node };
}
