"""Optimal transport between two clouds of equal weights, with the cost |x - y|^2.

The matrix of costs, where a library wants one, is timed: a user starts from points.

GeomLoss works with half of the cost, epsilon = blur^2 and rho = reach^2 of its own; what is printed is twice its value, for
epsilon = 2 blur^2 and rho = reach^2 of barrow.
"""

import numpy as np

from clouds import pair, value
from contender import THREADS


def emd2(request):
    import ot

    source, target = pair(request)
    return lambda: ot.emd2([], [], ot.dist(source, target), numItermax=10_000_000), value(float)


def linear_sum_assignment(request):
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    source, target = pair(request)

    def call():
        costs = cdist(source, target, "sqeuclidean")
        return costs[linear_sum_assignment(costs)].mean()
    return call, value(float)


def lapjv(request):
    import lap
    from scipy.spatial.distance import cdist

    source, target = pair(request)
    return lambda: lap.lapjv(cdist(source, target, "sqeuclidean"))[0] / len(source), value(float)


def bisections(trees):
    def contender(request):
        import ot

        source, target = pair(request)

        def cost_of(found):
            order = np.asarray(found[1]).astype(int)
            return ((source - target[order]) ** 2).sum(1).mean()
        return lambda: ot.compute_bspot_bijection(source, target, n_plans=trees), value(cost_of)
    return contender


def partial(request):
    import ot

    source, target = pair(request)
    weights = [np.full(len(cloud), 1 / len(cloud)) for cloud in (source, target)]
    costs = ot.dist(source, target)
    call = lambda: ot.partial.partial_wasserstein(*weights, ot.dist(source, target), m=request["mass"], numItermax=10_000_000)
    return call, value(lambda plan: (plan * costs).sum())


def sliced(projections):
    def contender(request):
        import ot

        source, target = pair(request)
        return lambda: ot.sliced_wasserstein_distance(source, target, n_projections=projections, seed=request["seed"]), value(float)
    return contender


def geomloss(backend, scaling=0.5):
    def contender(request):
        import torch
        from geomloss import SamplesLoss

        torch.set_num_threads(THREADS)
        source, target = (torch.as_tensor(cloud, dtype=torch.float32) for cloud in pair(request))
        reach = request.get("reach") and request["reach"] / np.sqrt(2)
        loss = SamplesLoss("sinkhorn", p=2, blur=request["blur"], reach=reach, scaling=scaling, debias=True, backend=backend)
        # The first call compiles.
        few = min(200, len(source))
        loss(source[:few].contiguous(), target[:few].contiguous())
        return lambda: 2 * float(loss(source, target)), value(float)
    return contender


def dense(request):
    """The same in double precision, by the definition, until potentials change by less than a millionth of epsilon: what others are
    held against. The value is wrong by the square of what is left."""
    import torch

    torch.set_num_threads(THREADS)
    source, target = (torch.as_tensor(cloud, dtype=torch.float64) for cloud in pair(request))
    epsilon, reach = 2 * request["blur"] ** 2, request.get("reach")
    # Without a reach no step is damped.
    rho = reach**2 if reach else None

    def term(x, y):
        costs = torch.cdist(x, y).square()
        a, b = (-float(np.log(len(cloud))) for cloud in (x, y))

        def best(potential, weight, costs, at):
            return -at / (1 + at / rho if rho else 1) * torch.logsumexp((potential[None] - costs) / at + weight, 1)
        f, g = torch.zeros(len(x), dtype=torch.float64), torch.zeros(len(y), dtype=torch.float64)
        at = max(float(costs.max()), epsilon)
        while True:
            before = f
            if x is y:
                # One potential, halfway to its best: alternating would swing.
                f = g = 0.5 * (f + best(f, b, costs, at))
            else:
                f = best(g, b, costs, at)
                g = best(f, a, costs.T, at)
            if at > epsilon:
                at = max(0.7 * at, epsilon)
            elif float((f - before).abs().max()) < 1e-6 * epsilon:
                break
        mass = float(torch.exp((f[:, None] + g[None] - costs) / epsilon + a + b).sum())
        gain = lambda potential: float(potential.mean() if rho is None else rho * (1 - torch.exp(-potential / rho)).mean())
        return gain(f) + gain(g) - epsilon * (mass - 1)
    # Both measures have mass 1, so that the term in the difference of the masses is zero.
    return lambda: term(source, target) - 0.5 * (term(source, source) + term(target, target)), value(float)


CONTENDERS = {
    "wasserstein": {
        "POT emd2": emd2,
        "SciPy linear_sum_assignment": linear_sum_assignment,
        "lapx": lapjv,
        "POT BSP-OT, 16 trees": bisections(16),
        "POT BSP-OT, 64 trees": bisections(64),
        "POT partial_wasserstein": partial,
    },
    "sliced": {"POT, 50 directions": sliced(50), "POT, 200 directions": sliced(200)},
    "divergence": {
        "GeomLoss tensorized": geomloss("tensorized"),
        "GeomLoss online": geomloss("online"),
        "GeomLoss multiscale": geomloss("multiscale"),
        "GeomLoss multiscale, scaling 0.9": geomloss("multiscale", 0.9),
        "dense, double precision": dense,
    },
}
