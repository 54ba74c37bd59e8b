"""What may be sold to whom, decided on plain values.

Time, ids and codes are passed in; nothing here reads a clock, a database or chance. Read
``decide.py`` first, then ``ledger.py``.
"""
