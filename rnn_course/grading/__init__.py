"""Marking a class: submissions repaired, run in sandboxes, marked from outside, and written into nbgrader's gradebook.

`command` has the command line, `classroom` a class, `marking` one submission, `sandbox` what it runs in.
"""
