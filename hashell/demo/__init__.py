"""`hashell demo`: a cluster of three daemons on this machine, for looking around and for watching a failover."""
