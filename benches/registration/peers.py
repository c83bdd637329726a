"""Other libraries, each with the scales that somebody who knows it would set for the set of clouds at hand.

A peer takes a question and returns a pose and seconds. Converting arrays to what a library calls a cloud is not timed.

KISS-Matcher refuses voxels below 5 mm and was made for street scenes, so small things are blown up until their voxel
measures 0.3 m. small_gicp stops at steps of 0.1 degrees and 1 mm; the millimetre, too, is scaled with the voxel.
"""

import time
from importlib.metadata import version

import numpy as np
import small_gicp

THREADS = 2
SMALLEST_KISS_VOXEL, KISS_VOXEL = 0.05, 0.3
# Points to which the probabilistic methods thin, whose memory and time are quadratic.
PROBABILISTIC_POINTS = 800


def timed(call):
    started = time.perf_counter()
    found = call()
    return found, time.perf_counter() - started


def gicp(question, pose, stop=1.0):
    """Downsampling, covariances, trees and alignment."""
    by_hand = question.by_hand
    return timed(lambda: small_gicp.align(
        question.target, question.source, init_T_target_source=pose, registration_type="GICP",
        downsampling_resolution=by_hand["voxel"], max_correspondence_distance=by_hand["gate"], num_threads=THREADS,
        max_iterations=100, rotation_epsilon=stop * np.radians(0.1), translation_epsilon=stop * 4e-3 * by_hand["voxel"],
    ))


def refined(question):
    """small_gicp from the start, told to stop late: this is about accuracy."""
    found, seconds = gicp(question, question.initial, stop=0.01)
    return found.T_target_source, {"total": seconds}


def kiss_and_gicp(question):
    import kiss_matcher

    voxel = question.by_hand["global_voxel"]
    blown_up = 1.0 if voxel >= SMALLEST_KISS_VOXEL else KISS_VOXEL / voxel
    # Its arithmetic is in single precision: far from the origin that is its own affair, as it is for its users.
    source, target = (np.float32(blown_up * cloud) for cloud in (question.source, question.target))
    matcher = kiss_matcher.KISSMatcher(kiss_matcher.KISSMatcherConfig(blown_up * voxel))
    found = matcher.estimate(source, target)
    # By its own clock, which leaves out the conversion of arrays.
    searched = (matcher.get_processing_time() + matcher.get_extraction_time() + matcher.get_matching_time()
                + matcher.get_solver_time())
    pose = np.eye(4)
    pose[:3, :3] = np.asarray(found.rotation)
    pose[:3, 3] = np.asarray(found.translation).ravel() / blown_up
    if not (found.valid and np.isfinite(pose).all()):
        return None, {"global": searched, "total": searched}
    polished, seconds = gicp(question, pose)
    return polished.T_target_source, {"global": searched, "refinement": seconds, "total": searched + seconds}


def open3d_global(question):
    """FPFH, RANSAC, and point-to-plane on the full clouds."""
    import open3d as o3d

    registration = o3d.pipelines.registration
    voxel = question.by_hand["global_voxel"]
    o3d.utility.random.seed(0)
    whole = [o3d.geometry.PointCloud(o3d.utility.Vector3dVector(cloud)) for cloud in (question.source, question.target)]

    def prepared(cloud):
        thin = cloud.voxel_down_sample(voxel)
        thin.estimate_normals(o3d.geometry.KDTreeSearchParamHybrid(2 * voxel, 30))
        feature = registration.compute_fpfh_feature(thin, o3d.geometry.KDTreeSearchParamHybrid(5 * voxel, 100))
        return thin, feature

    def call():
        (source, source_features), (target, target_features) = map(prepared, whole)
        coarse = registration.registration_ransac_based_on_feature_matching(
            source, target, source_features, target_features, True, 1.5 * voxel,
            registration.TransformationEstimationPointToPoint(False), 3,
            [registration.CorrespondenceCheckerBasedOnEdgeLength(0.9),
             registration.CorrespondenceCheckerBasedOnDistance(1.5 * voxel)],
            registration.RANSACConvergenceCriteria(100_000, 0.999))
        source, target = (cloud.voxel_down_sample(question.by_hand["voxel"]) for cloud in whole)
        target.estimate_normals(o3d.geometry.KDTreeSearchParamHybrid(4 * question.by_hand["voxel"], 30))
        return registration.registration_icp(
            source, target, question.by_hand["gate"], coarse.transformation,
            registration.TransformationEstimationPointToPlane(), registration.ICPConvergenceCriteria(max_iteration=50))

    found, seconds = timed(call)
    return np.asarray(found.transformation), {"total": seconds}


def point_to_plane(question, pose):
    """The finish of the probabilistic methods, from a wide gate to a narrow one."""
    import open3d as o3d

    voxel = question.by_hand["global_voxel"]
    source, target = (o3d.geometry.PointCloud(o3d.utility.Vector3dVector(cloud)) for cloud in (question.source, question.target))
    target.estimate_normals(o3d.geometry.KDTreeSearchParamKNN(20))
    registration = o3d.pipelines.registration
    for gate in (4 * voxel, 1.5 * voxel):
        pose = registration.registration_icp(
            source, target, gate, pose, registration.TransformationEstimationPointToPlane(),
            registration.ICPConvergenceCriteria(max_iteration=50)).transformation
    return np.array(pose)


def probabilistic(name):
    def peer(question):
        from probreg import cpd, filterreg

        draws = np.random.default_rng(0)
        centre, size = question.target.mean(axis=0), np.ptp(question.target, axis=0).max()

        def call():
            started = question.source @ question.initial[:3, :3].T + question.initial[:3, 3]
            # Their thresholds are absolute, and made for clouds of about one unit.
            source, target = ((cloud[draws.permutation(len(cloud))[:PROBABILISTIC_POINTS]] - centre) / size
                              for cloud in (started, question.target))
            if name == "cpd":
                found = cpd.registration_cpd(source, target, "rigid", w=0.1, update_scale=False).transformation
            else:
                found = filterreg.registration_filterreg(source, target, sigma2=None, update_sigma2=True, w=0.1).transformation
            step = np.eye(4)
            step[:3, :3] = found.rot
            step[:3, 3] = size * np.asarray(found.t) + centre - found.rot @ centre
            return point_to_plane(question, step @ question.initial)

        pose, seconds = timed(call)
        return pose, {"total": seconds}
    return peer


def prepared_gicp(question, voxel, gate):
    """small_gicp on clouds that are thin already: trees and covariances, then the alignment."""
    source, target = (small_gicp.PointCloud(cloud) for cloud in (question.source, question.target))

    def prepare():
        trees = [small_gicp.KdTree(cloud, num_threads=THREADS) for cloud in (target, source)]
        for cloud, tree in zip((target, source), trees):
            small_gicp.estimate_covariances(cloud, tree, num_neighbors=20, num_threads=THREADS)
        return trees[0]

    tree, preparing = timed(prepare)
    found, aligning = timed(lambda: small_gicp.align(
        target, source, tree, init_T_target_source=question.initial, registration_type="GICP",
        max_correspondence_distance=gate, num_threads=THREADS, max_iterations=100, translation_epsilon=4e-3 * voxel))
    return found.T_target_source, {"preparation": preparing, "alignment": aligning, "total": preparing + aligning}


def thinned_gicp(question):
    return prepared_gicp(question, question.by_hand["voxel"], question.by_hand["gate"])


def far_gicp(question):
    """From far off, with a gate as wide as the global voxel asks."""
    voxel = question.by_hand["global_voxel"]
    return prepared_gicp(question, voxel, 4 * voxel)


# What is run, and the packages whose versions make an answer stale. After a change to the settings above: --fresh.
PEERS = {
    "KISS-Matcher + small_gicp": (kiss_and_gicp, ("kiss-matcher", "small_gicp")),
    "Open3D FPFH + RANSAC + ICP": (open3d_global, ("open3d",)),
    "small_gicp": (refined, ("small_gicp",)),
    "small_gicp, thinned": (thinned_gicp, ("small_gicp",)),
    "small_gicp, far": (far_gicp, ("small_gicp",)),
    "CPD + plane": (probabilistic("cpd"), ("probreg", "open3d")),
    "FilterReg + plane": (probabilistic("filterreg"), ("probreg", "open3d")),
}


def version_of(name):
    return ", ".join(f"{package} {version(package)}" for package in PEERS[name][1])
