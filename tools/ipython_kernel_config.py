# For the kernels of an environment: copied to its etc/ipython. What compiled libraries print while they load, such as
# TensorFlow's remark that there is no GPU, goes to the terminal and not into the notebook. Python's warnings still do.
c.IPKernelApp.capture_fd_output = False  # noqa: F821
