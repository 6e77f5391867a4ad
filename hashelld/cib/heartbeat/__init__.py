"""Heartbeat's ha.cf, authkeys and haresources, translated to hashelld.toml and the configure language."""

from hashelld.cib.heartbeat.translate import HeartbeatFiles, Imported, read


__all__ = ["HeartbeatFiles", "Imported", "read"]
