"""The door: whatever comes from outside (paths, text, tables, arrays) is checked here once, before anything is done.

Everything refused ends in one sentence with the file, the field, what was found and what was expected.
"""
