"""The pipeline that makes notebooks and pages from book/."""
