"""Run a study on workers that Slurm or PBS starts: ``python slurm.py STUDY --data DIR --out DIR --jobs 8``.

Needs ``pip install -c constraints.txt '.[cluster]'`` in the clone, and ``dask-jobqueue``. Everything after
the options of this script goes to ``gzsl sweep``. The paths must be the same on the machine where this runs and on the
nodes. ``--local`` uses this machine instead.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from typing import Any


def arguments() -> tuple[argparse.Namespace, list[str]]:
    """Options of this script, and the rest for ``gzsl sweep``."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--jobs", type=int, default=4, help="workers, each a job of the batch system")
    parser.add_argument("--cores", type=int, default=4, help="cores a worker")
    parser.add_argument("--memory", default="16GB", help="memory a worker")
    parser.add_argument("--hours", type=int, default=12, help="time limit of a worker; others take its place")
    parser.add_argument("--queue", help="partition (Slurm) or queue (PBS)")
    parser.add_argument("--account", help="account or project to charge")
    parser.add_argument("--gpu", action="store_true", help="one GPU a worker")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--pbs", action="store_true", help="PBS instead of Slurm")
    kind.add_argument("--local", action="store_true", help="processes of this machine, to try the script")
    return parser.parse_known_args()


def cluster(options: argparse.Namespace) -> Any:
    """The Dask cluster; a worker process computes one run at a time, with all cores of its job."""
    offered = {"GPU": 1} if options.gpu else {}
    if options.local:
        from distributed import LocalCluster

        return LocalCluster(n_workers=options.jobs, threads_per_worker=1, dashboard_address=None, resources=offered)
    from dask_jobqueue import PBSCluster, SLURMCluster

    variables = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    threads = [f"export {name}={options.cores}" for name in variables]
    common = {
        "cores": 1, "processes": 1, "memory": options.memory, "walltime": f"{options.hours:02d}:00:00",
        "queue": options.queue, "account": options.account, "job_script_prologue": threads,
        "worker_extra_args": ["--resources", "GPU=1"] if options.gpu else [],
    }  # fmt: skip
    if options.pbs:
        select = f"select=1:ncpus={options.cores}:mem={options.memory.lower()}" + (":ngpus=1" if options.gpu else "")
        return PBSCluster(resource_spec=select, **common)
    extra = ["--gres=gpu:1"] if options.gpu else []
    return SLURMCluster(job_cpu=options.cores, job_extra_directives=extra, **common)


def main() -> None:
    """Start workers, run the study on them, give them back."""
    options, rest = arguments()
    with cluster(options) as dask:
        if not options.local:
            dask.adapt(minimum_jobs=1, maximum_jobs=options.jobs)
        resources = ["--resources", "GPU=1"] if options.gpu else []
        command = [sys.executable, "-m", "gzsl", "sweep", *rest, "--scheduler", dask.scheduler_address, *resources]
        sys.exit(subprocess.run(command, check=False).returncode)


if __name__ == "__main__":
    main()
