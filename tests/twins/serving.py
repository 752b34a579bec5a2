"""
A Mission Control that takes over from its twin sooner: `serving.py SECONDS serve ...`.

Everything else of it is as it is run anywhere.
"""

import sys

from mission_control.__main__ import main
from mission_control.alerts.deliver import decide

if __name__ == "__main__":
    decide.TAKES_OVER_SECONDS = float(sys.argv.pop(1))
    main()
