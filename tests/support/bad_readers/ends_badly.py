"""Crashes as a library with a hole does."""

import os
import signal

os.kill(os.getpid(), signal.SIGSEGV)
