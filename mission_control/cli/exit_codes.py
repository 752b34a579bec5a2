"""The exit codes, which scripts and cron rely on."""

OK = 0
INTERNAL = 1
USAGE = 2
HALTED = 3
VERIFICATION_FAILED = 4
NOTHING_TO_DO = 5
CONFIGURATION = 78
INTERRUPTED = 130
BROKEN_PIPE = 141

EPILOG = """\
\b
Exit codes:
  0    all is well: the posture is OK or MARKET_CLOSED, what was asked for was done
  1    an internal error, a record that failed (NOT RECORDED: disk full, read-only, no permission),
       a server that could not be asked, an attestation that saw nothing
  2    wrong usage of the command line
  3    HALTED, NOT READY, or evidence of execution; a last known good that was not captured
  4    a verification failed: a service deviates, a check fails, an answer is not 2xx
  5    nothing to do: it is not that time in New York, no channel is configured
  78   the configuration cannot be used
  130  interrupted
  141  the reader of the output closed it

\b
Settings come from flags, MISSION_CONTROL_* variables, the YAML file of --config, and the
predecessor's variables (AGENTS_CONFIG_PATH and its like), in this order.
"""
