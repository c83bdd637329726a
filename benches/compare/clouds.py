"""Nearest neighbours and the distances made of them.

A contender takes a request and returns the call that is timed, and what makes an answer of its result, which is not.
Chamfer is the mean of the two directed means of unsquared distances.
"""

import numpy as np

from contender import THREADS


def pair(request):
    return np.load(request["source"]), np.load(request["target"])


def value(function):
    return lambda found: {"value": float(function(found))}


def chamfer_of(directed):
    return 0.5 * sum(np.mean(distances) for distances in directed)


def hausdorff_of(directed):
    return max(np.max(distances) for distances in directed)


def scipy(answer, **build):
    def contender(request):
        from scipy.spatial import cKDTree

        source, target = pair(request)
        nearest = lambda queries, points: cKDTree(points, **build).query(queries, workers=THREADS)[0]
        return lambda: (nearest(source, target), nearest(target, source)), value(answer)
    return contender


def open3d(answer):
    def contender(request):
        import open3d as o3d

        source, target = (o3d.geometry.PointCloud(o3d.utility.Vector3dVector(cloud)) for cloud in pair(request))
        return (lambda: (source.compute_point_cloud_distance(target), target.compute_point_cloud_distance(source)),
                value(lambda found: answer([np.asarray(distances) for distances in found])))
    return contender


def open3d_tensor(metric, factor):
    def contender(request):
        import open3d as o3d

        # Clouds of doubles are refused.
        source, target = (o3d.t.geometry.PointCloud(o3d.core.Tensor(cloud, o3d.core.float32)) for cloud in pair(request))
        what = (getattr(o3d.t.geometry.Metric, metric),), o3d.t.geometry.MetricParameters()
        return lambda: source.compute_metrics(target, *what), value(lambda found: factor * found[0].item())
    return contender


def point_cloud_utils(function, factor):
    def contender(request):
        import point_cloud_utils as pcu

        source, target = pair(request)
        return lambda: getattr(pcu, function)(source, target), value(lambda found: factor * found)
    return contender


def small_gicp(answer):
    def contender(request):
        import small_gicp

        source, target = pair(request)
        clouds = [small_gicp.PointCloud(cloud) for cloud in (source, target)]

        def call():
            trees = [small_gicp.KdTree(cloud, num_threads=THREADS) for cloud in clouds]
            return [tree.batch_nearest_neighbor_search(queries, num_threads=THREADS)[1]
                    for tree, queries in zip(trees, (target, source))]
        return call, value(lambda squares: answer([np.sqrt(directed) for directed in squares]))
    return contender


def last_of(distances):
    return np.mean(distances[:, -1])


def last_of_squared(squares):
    return np.mean(np.sqrt(np.asarray(squares)[:, -1]))


def scipy_knn(**build):
    def contender(request):
        from scipy.spatial import cKDTree

        source, target = pair(request)
        return lambda: cKDTree(target, **build).query(source, k=request["k"], workers=THREADS)[0], value(last_of)
    return contender


def open3d_knn(request):
    import open3d as o3d

    source, target = (o3d.core.Tensor(cloud) for cloud in pair(request))

    def call():
        search = o3d.core.nns.NearestNeighborSearch(target)
        search.knn_index()
        return search.knn_search(source, request["k"])[1]
    return call, value(lambda squares: last_of_squared(squares.numpy()))


def point_cloud_utils_knn(request):
    import point_cloud_utils as pcu

    source, target = pair(request)
    return lambda: pcu.k_nearest_neighbors(source, target, request["k"], num_threads=THREADS)[0], value(last_of)


def small_gicp_knn(request):
    import small_gicp

    source, target = pair(request)
    target = small_gicp.PointCloud(target)

    def call():
        tree = small_gicp.KdTree(target, num_threads=THREADS)
        return tree.batch_knn_search(source, request["k"], num_threads=THREADS)[1]
    return call, value(last_of_squared)


FAST_BUILD = {"balanced_tree": False, "compact_nodes": False}
CONTENDERS = {
    "chamfer": {
        "SciPy": scipy(chamfer_of),
        "SciPy, fast build": scipy(chamfer_of, **FAST_BUILD),
        "Open3D": open3d(chamfer_of),
        "Open3D tensor": open3d_tensor("ChamferDistance", 0.5),
        "point-cloud-utils": point_cloud_utils("chamfer_distance", 0.5),
        "small_gicp": small_gicp(chamfer_of),
    },
    "hausdorff": {
        "SciPy": scipy(hausdorff_of),
        "Open3D": open3d(hausdorff_of),
        "Open3D tensor": open3d_tensor("HausdorffDistance", 1.0),
        "point-cloud-utils": point_cloud_utils("hausdorff_distance", 1.0),
    },
    "knn": {
        "SciPy": scipy_knn(),
        "SciPy, fast build": scipy_knn(**FAST_BUILD),
        "Open3D": open3d_knn,
        "point-cloud-utils": point_cloud_utils_knn,
        "small_gicp": small_gicp_knn,
    },
}
