"""`python -m animeds_db` is `animeds`."""

from animeds_db.cli import main

main()
