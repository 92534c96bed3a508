"""Figures for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from gantool_server.jobs import Job, Jobs


class Metrics:
    """Of one server."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._jobs = Counter("gantool_jobs", "Jobs that are over.", ["verb", "state"], registry=self._registry)
        self._seconds = Histogram("gantool_job_seconds", "Of jobs that ran.", ["verb"], registry=self._registry)
        self._waiting = Gauge("gantool_jobs_waiting", "Jobs in the queue.", registry=self._registry)

    def count(self, job: Job) -> None:
        self._jobs.labels(job.verb, job.state).inc()
        if job.begun:
            self._seconds.labels(job.verb).observe(job.ended - job.begun)

    def text(self, jobs: Jobs) -> bytes:
        """In the format that Prometheus reads."""
        self._waiting.set(jobs.waiting)
        return generate_latest(self._registry)
