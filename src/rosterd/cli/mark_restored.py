"""``rosterd mark-restored``: say that the database was put back to an earlier moment by other means."""

from rosterd.cli import exits, options, output
from rosterd.cli.restore import THEN
from rosterd.wiring import Settings, moving

EXAMPLES = options.examples("rosterd mark-restored", "rosterd mark-restored --data /var/lib/rosterd")


def mark_restored(
    data: options.Data = options.DEFAULT_DATA, json: options.Json = False, quiet: options.Quiet = False
) -> None:
    """Mark a database that was put back by other means than 'rosterd restore'. Stop all servers first.

    Run it after pg_restore, after a recovery to a point in time, or after putting back a snapshot of the
    disk, and before the first server starts. Events then get numbers that were never given out, whoever read
    further than this database knows is told so, and all sessions end: what 'rosterd restore' does itself.
    """
    with exits.faults():
        settings = Settings.from_env(data=data)
        moving.mark(settings, options.by())
    if json:
        output.as_json({"marked": True})
    elif not quiet:
        output.line("The database is marked as restored.")
        output.line()
        for line in THEN:
            output.line(f"- {line}")
