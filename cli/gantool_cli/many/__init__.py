"""The pictures of one run on many machines: planned here, done by Ray's actors, told and recorded here as they come.

No picture goes through here, nor through Ray's store: an actor is told where one lies and where its result belongs.
"""

import os
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import typer

from gantool.bound import Bound
from gantool.values import is_address
from gantool_cli import console
from gantool_cli.batch import Source
from gantool_cli.many import manifest, planning, ray_data
from gantool_cli.options import Machine, Shared
from gantool_cli.outputs import Choice, Naming
from gantool_cli.report import Failure, Report, Row


def run(
    shared: Shared,
    naming: Naming,
    choose: Callable[[Source], Choice],
    bind: Callable[[str, Machine], Bound],
    written: Path | None,
) -> None:
    """As `gantool_cli.batch.run`, on a cluster. Raises as that does, and GantoolError where there is no cluster."""
    _check(shared)
    ray_data.require()
    plan = planning.planned(shared, naming, choose, written)
    machine = replace(shared.machine, threads=shared.machine.threads or 1)
    with ray_data.connected(str(shared.cluster.ray)) if plan.items else nullcontext():
        status = _do(plan, choose, bind, replace(shared, machine=machine))
    if status:
        raise typer.Exit(status)


def _do(plan: planning.Plan, choose: planning.Choose, bind: ray_data.Bind, shared: Shared) -> int:
    """Returns the exit status."""
    report = Report(shared.telling, len(plan.problems) + len(plan.skipped) + len(plan.items))
    try:
        with (
            manifest.writing(str(shared.output)) as record,
            console.pictures(len(plan.items), quiet=shared.telling.quiet) as advance,
        ):
            for problem in plan.problems:
                row = Row(str(problem.source), None, "failed", error=Failure("ImageError", problem.reason))
                record(row)
                report.row(row)
            for item in plan.skipped:
                report.row(Row(item.source, item.target, "skipped"))
            if plan.items and (sentence := ray_data.shortage(shared.machine)):
                report.notice("ray", sentence)
            for row, note, notices in ray_data.rows(plan.items, choose, bind, shared):
                record(row)
                for sentence in notices:
                    report.notice(str(row.input), sentence)
                report.row(row, note)
                advance(os.path.basename(str(row.input)), None)
    finally:
        status = report.close()
    return status


def _check(shared: Shared) -> None:
    """Raises BadParameter for what many machines do not do."""
    places = [*shared.pictures, shared.output or ""]
    if not shared.pictures or "-" in places:
        raise typer.BadParameter("nothing is piped to many machines: --ray takes files and folders")
    if shared.output is None:
        raise typer.BadParameter("say where the results of many machines go: -o FOLDER, or -o s3://bucket/folder")
    if shared.machine.name.partition(":")[2]:
        raise typer.BadParameter("Ray gives each actor a GPU of its own: say --device cuda, without a number")
    if shared.keep_time and any(map(is_address, places)):
        raise typer.BadParameter("--keep-time is for files: what lies at an address has the time of its writing")
