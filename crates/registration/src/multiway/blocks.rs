//! Sparse normal equations in blocks of six, and their Cholesky factor.

use std::collections::{BTreeMap, BTreeSet};

use nalgebra::{Matrix6, SMatrix, Vector6};

/// Order in which unknowns are eliminated: always one with the fewest neighbours left, the first among equals.
///
/// # References
/// George and Liu, *The evolution of the minimum degree ordering algorithm*, SIAM Review 31 (1989).
pub(super) fn elimination_order(unknowns: usize, pairs: &[(usize, usize)]) -> Vec<usize> {
    let mut neighbors = vec![BTreeSet::new(); unknowns];
    for &(a, b) in pairs {
        neighbors[a].insert(b);
        neighbors[b].insert(a);
    }
    let mut left: BTreeSet<(usize, usize)> =
        neighbors.iter().enumerate().map(|(index, near)| (near.len(), index)).collect();
    let mut order = Vec::with_capacity(unknowns);
    while let Some((_, next)) = left.pop_first() {
        order.push(next);
        let near = std::mem::take(&mut neighbors[next]);
        for &one in &near {
            left.remove(&(neighbors[one].len(), one));
            neighbors[one].remove(&next);
            neighbors[one].extend(near.iter().copied().filter(|&other| other != one));
            left.insert((neighbors[one].len(), one));
        }
    }
    order
}

/// A symmetric matrix by the columns of its lower half; a column's first block is on the diagonal.
#[derive(Debug, Clone)]
pub(super) struct BlockMatrix {
    columns: Vec<BTreeMap<usize, Matrix6<f64>>>,
}

impl BlockMatrix {
    pub fn zeros(unknowns: usize) -> Self {
        Self { columns: (0..unknowns).map(|index| BTreeMap::from([(index, Matrix6::zeros())])).collect() }
    }

    /// Adds a block at (row, column); of the two blocks off the diagonal that mirror each other, one is given.
    pub fn add(&mut self, row: usize, column: usize, block: &Matrix6<f64>) {
        let (row, column, block) =
            if row < column { (column, row, block.transpose()) } else { (row, column, *block) };
        *self.columns[column].entry(row).or_insert_with(Matrix6::zeros) += block;
    }

    pub fn diagonal_mut(&mut self, index: usize) -> &mut Matrix6<f64> {
        self.columns[index].entry(index).or_insert_with(Matrix6::zeros)
    }

    /// A = L Lᵀ; `None` unless positive definite.
    pub fn factor(mut self) -> Option<BlockFactor> {
        let mut factor = Vec::with_capacity(self.columns.len());
        for index in 0..self.columns.len() {
            let mut column = std::mem::take(&mut self.columns[index]);
            let diagonal = column.remove(&index)?.cholesky()?.unpack();
            let mut below = Vec::with_capacity(column.len());
            for (row, block) in column {
                below.push((row, diagonal.solve_lower_triangular(&block.transpose())?.transpose()));
            }
            for (position, (column, right)) in below.iter().enumerate() {
                for (row, left) in &below[position..] {
                    *self.columns[*column].entry(*row).or_insert_with(Matrix6::zeros) -=
                        left * right.transpose();
                }
            }
            factor.push((diagonal, below));
        }
        Some(BlockFactor { columns: factor })
    }
}

/// Diagonal blocks, and those below them with their rows.
type Column = (Matrix6<f64>, Vec<(usize, Matrix6<f64>)>);

/// The lower triangle L of a Cholesky factorisation.
#[derive(Debug, Clone)]
pub(super) struct BlockFactor {
    columns: Vec<Column>,
}

impl BlockFactor {
    /// Solves A x = b.
    pub fn solve(&self, right: &[Vector6<f64>]) -> Vec<Vector6<f64>> {
        let mut solution = self.forward(right.to_vec());
        for (index, (diagonal, below)) in self.columns.iter().enumerate().rev() {
            let known: Vector6<f64> = below.iter().map(|(row, block)| block.tr_mul(&solution[*row])).sum();
            let rest = solution[index] - known;
            solution[index] = diagonal.tr_solve_lower_triangular(&rest).unwrap_or(rest);
        }
        solution
    }

    /// A block on the diagonal of the inverse: XᵀX with L X = E, the unit columns of the block.
    pub fn inverse_diagonal(&self, index: usize) -> Matrix6<f64> {
        let mut unit = vec![Matrix6::zeros(); self.columns.len()];
        unit[index] = Matrix6::identity();
        self.forward(unit).iter().map(|block| block.tr_mul(block)).sum()
    }

    /// Solves L x = b.
    fn forward<const C: usize>(&self, mut right: Vec<SMatrix<f64, 6, C>>) -> Vec<SMatrix<f64, 6, C>> {
        for (index, (diagonal, below)) in self.columns.iter().enumerate() {
            // A factor has no zero on its diagonal.
            let solved = diagonal.solve_lower_triangular(&right[index]).unwrap_or(right[index]);
            right[index] = solved;
            for (row, block) in below {
                right[*row] -= block * solved;
            }
        }
        right
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::{DMatrix, DVector};

    use super::*;

    /// A ring with two chords: Σ (E_a − E_b) S (E_a − E_b)ᵀ + I.
    fn example() -> (BlockMatrix, DMatrix<f64>) {
        let pairs = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 0), (1, 3), (0, 2)];
        let (mut blocks, mut dense) = (BlockMatrix::zeros(5), DMatrix::<f64>::identity(30, 30));
        for index in 0..5 {
            *blocks.diagonal_mut(index) += Matrix6::identity();
        }
        for (number, (a, b)) in pairs.into_iter().enumerate() {
            let root = Matrix6::from_fn(|i, j| ((7 * i + 3 * j + 11 * number) % 13) as f64 / 6.0 - 1.0);
            let block = root * root.transpose();
            for (row, column, sign) in [(a, a, 1.0), (b, b, 1.0), (a, b, -1.0)] {
                blocks.add(row, column, &(block * sign));
            }
            for (row, column, sign) in [(a, a, 1.0), (b, b, 1.0), (a, b, -1.0), (b, a, -1.0)] {
                let mut view = dense.fixed_view_mut::<6, 6>(6 * row, 6 * column);
                view += block * sign;
            }
        }
        (blocks, dense)
    }

    #[test]
    fn a_factor_solves_as_a_dense_one_does() {
        let (blocks, dense) = example();
        let right: Vec<Vector6<f64>> =
            (0..5).map(|k| Vector6::from_fn(|i, _| (i * k) as f64 - 3.0)).collect();
        let stacked = DVector::from_iterator(30, right.iter().flat_map(|part| part.iter().copied()));
        let wanted = dense.clone().cholesky().expect("positive definite").solve(&stacked);
        let factor = blocks.factor().expect("positive definite");
        for (index, part) in factor.solve(&right).iter().enumerate() {
            assert!((part - wanted.fixed_rows::<6>(6 * index)).amax() < 1e-12);
        }
        let inverse = dense.try_inverse().expect("regular");
        for index in 0..5 {
            let block = inverse.fixed_view::<6, 6>(6 * index, 6 * index);
            assert!((factor.inverse_diagonal(index) - block).amax() < 1e-12);
        }
    }

    #[test]
    fn what_is_not_positive_definite_has_no_factor() {
        let (mut blocks, _) = example();
        *blocks.diagonal_mut(2) -= Matrix6::identity() * 100.0;
        assert!(blocks.factor().is_none());
    }

    #[test]
    fn a_star_is_eliminated_from_its_tips() {
        assert_eq!(elimination_order(4, &[(0, 1), (0, 2), (0, 3)]), [1, 2, 0, 3]);
    }
}
