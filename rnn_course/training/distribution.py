"""Several devices and several hosts: thin words for what Keras and TensorFlow bring."""

import contextlib

import keras


def all_devices():
    """Return a context in which models are made for all GPUs of the machine, or all its CPUs if it has no GPU.

    Make, compile and fit the model inside it::

        with training.all_devices():
            model = keras.Sequential([...])
            model.compile("adam", "mse")
            training.fit(model, (x, y), epochs=5, batch_size=64)

    Each batch is shared out equally and each device works on its part; the gradients are then averaged. The weights
    come out as on one device, up to rounding. On JAX this is `keras.distribution.DataParallel`, on TensorFlow
    `tf.distribute.MirroredStrategy` (which works without jit only).

    For several hosts, on JAX, run the same program on each and begin it with ``keras.distribution.initialize`` (which
    calls `jax.distributed.initialize`) or with ``jax.distributed.initialize`` itself, then
    ``keras.utils.set_random_seed``. Every host gives `fit` all the data, and reads its own share of each batch. That
    needs a recent Keras: 3.15 does it, and 3.10 does not.

    Raises
    ------
    ValueError
        On PyTorch, where Keras trains on one device; on TensorFlow with Keras before 3.8.
    """
    backend = keras.backend.backend()
    if backend == "jax":
        return keras.distribution.DataParallel(auto_shard_dataset=False).scope()
    if backend == "tensorflow":
        if keras_version() < (3, 8):
            raise ValueError(
                f"Keras {keras.__version__} adds up the gradients of several devices on TensorFlow, instead of "
                "averaging them: install Keras 3.8 or newer."
            )
        import tensorflow as tf

        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices]).scope()
    raise ValueError(
        f"Keras trains on one device with the {backend} backend. For several, set the environment variable "
        "KERAS_BACKEND to 'jax' or 'tensorflow' before Keras is imported."
    )


def keras_version():
    """The first two numbers of Keras's version."""
    major, minor, *_ = keras.__version__.split(".")
    return int(major), int(minor)


def replicas(model):
    """Number of devices that share each batch."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        return model.distribute_strategy.num_replicas_in_sync
    distribution = keras.distribution.distribution() if backend == "jax" else None
    return distribution.device_mesh.devices.size if distribution else 1


def strategy_scope(model):
    """Return the context in which TensorFlow wants variables to be made for the devices of this model."""
    several = keras.backend.backend() == "tensorflow" and replicas(model) > 1
    return model.distribute_strategy.scope() if several else contextlib.nullcontext()


def share_of_host():
    """Number of this host, and of how many."""
    if keras.backend.backend() != "jax" or not keras.distribution.distribution():
        return 0, 1
    import jax

    return jax.process_index(), jax.process_count()
