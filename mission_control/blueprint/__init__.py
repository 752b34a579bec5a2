"""The fleet as it is seen: inventory, cluster, answers and repository drawn together."""
