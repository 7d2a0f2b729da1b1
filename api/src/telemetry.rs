//! Telemetry: logs, traces, metrics.
