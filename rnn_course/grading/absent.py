"""What stands, in a sandbox, in place of a package that an assignment asks to do without."""

raise ImportError(f"This assignment asks you to do without `{__name__}`.")
