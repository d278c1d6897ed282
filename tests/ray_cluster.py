"""A cluster of Ray of two nodes on loopback, as a process: says its address, then takes orders, a line each.

`node` removes one of the nodes at once, `all` both; `gcs` ends what knows the cluster. It ends with its stdin.
"""

from __future__ import annotations

import contextlib
import os
import sys

os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}

from ray.cluster_utils import Cluster


def main() -> None:
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    second = cluster.add_node(num_cpus=1)
    print(cluster.address, flush=True)
    for line in sys.stdin:
        if line.strip() in ("node", "all"):
            cluster.remove_node(second, allow_graceful=False)
        if line.strip() == "all":
            cluster.remove_node(cluster.head_node, allow_graceful=False)
        if line.strip() == "gcs":
            cluster.head_node.kill_gcs_server(check_alive=False)
        print("done", flush=True)
    with contextlib.suppress(Exception):  # half of it is gone
        cluster.shutdown()


if __name__ == "__main__":
    main()
