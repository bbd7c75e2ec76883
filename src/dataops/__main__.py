"""python -m dataops"""

from dataops.cli import main

main()
