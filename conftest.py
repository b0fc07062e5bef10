"""Set what has to be set before TensorFlow is imported, here or in the kernels that nbval starts."""

import os

from tools.book import KERNEL_ENVIRONMENT

for name, value in (KERNEL_ENVIRONMENT | {"JAX_ENABLE_X64": "1"}).items():
    os.environ.setdefault(name, value)
