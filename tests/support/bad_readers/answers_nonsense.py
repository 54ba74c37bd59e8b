"""Answers what is no answer."""

import sys

sys.stdout.write("<script>")
