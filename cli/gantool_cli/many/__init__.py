"""The pictures of one run on many machines: planned here, done by Ray's actors, told and recorded here as they come.

No picture goes through here, nor through Ray's store: an actor is told where one lies and where its result belongs.
"""

import os
from collections.abc import Callable
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
    report = Report(shared.telling, len(plan.problems) + len(plan.skipped) + len(plan.items))
    failed = [
        Row(str(problem.source), None, "failed", error=Failure("ImageError", problem.reason))
        for problem in plan.problems
    ]
    try:
        with (
            manifest.writing(str(shared.output)) as record,
            console.pictures(len(plan.items), quiet=shared.telling.quiet) as advance,
        ):
            for row in failed:
                record(row)
                report.row(row)
            for item in plan.skipped:
                report.row(Row(item.source, item.target, "skipped"))
            if plan.items:
                machine = replace(shared.machine, threads=shared.machine.threads or 1)
                work = (choose, bind, replace(shared, machine=machine))
                for row, note, notices in ray_data.rows(plan.items, *work):
                    record(row)
                    for sentence in notices:
                        report.notice(str(row.input), sentence)
                    report.row(row, note)
                    advance(os.path.basename(str(row.input)), None)
    finally:
        status = report.close()
    if status:
        raise typer.Exit(status)


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
