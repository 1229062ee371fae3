"""Stores: engines that implement the ports, each held to ``rosterd.testing.store_contract``.

sqlite.py          opens a database file: reader connections, the writer thread, the ports over them
memory.py          the contract in plain dictionaries, for tests
compile.py         filter → condition
listing.py         listing → SELECT; with compile.py and fragment.py the only place that assembles SQL
group_commit.py    many jobs, one durable transaction
write_lock.py      which process may write a file next
checkpoints.py     when the log of a file is moved into it
snapshot.py        reads of one state, for a while
wake.py            who waits for a directory's next commit
migrate.py         what a database file lacks, and how it gets it
sql/               every other statement, by name
"""
