"""The registry of a process's metrics; built in main, passed down, never global."""

from prometheus_client import CollectorRegistry, GCCollector, Info, PlatformCollector, ProcessCollector


def new_registry(service: str, version: str) -> CollectorRegistry:
    """A registry with the process's own figures (CPU, memory, garbage) and `mainstay_build_info`."""
    registry = CollectorRegistry(auto_describe=True)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    Info("mainstay_build", "What runs here.", registry=registry).info({"service": service, "version": version})
    return registry
