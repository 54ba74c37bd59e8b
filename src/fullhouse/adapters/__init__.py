"""The ways out of the house: each folder is one port, each module one kind of server behind it.

Adapters take plain values and know neither settings nor domains.
"""
