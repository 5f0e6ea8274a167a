"""Run many tasks on shared data: here, or on the workers of a Dask cluster, with one result."""

from __future__ import annotations

import pickle
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from combined_care.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Shared = TypeVar("Shared")
Task = TypeVar("Task")
Answer = TypeVar("Answer")


def run(
    function: Callable[[Shared, Task], Answer],
    shared: Shared,
    tasks: Sequence[Task],
    scheduler: Any = None,
) -> list[Answer]:
    """Call ``function(shared, task)`` for every task.

    Parameters
    ----------
    function : callable
        A function of a module, so that workers can import it; what it returns must depend on its
        arguments alone.
    shared : object
        What all tasks need; sent to the workers once.
    tasks : sequence
        One argument a call.
    scheduler : str or distributed.Client, optional
        Address of a Dask scheduler, or a client. By default everything runs here.

    Returns
    -------
    list
        The results in the order of the tasks, whoever computed them.

    Raises
    ------
    InputError
        If a scheduler is given and Dask is not installed, or it is neither address nor client.

    Notes
    -----
    The shared data travel inside a task of their own and not as scattered data, so that Dask can
    make them again when the worker that holds them is lost.
    """
    if scheduler is None:
        return [function(shared, task) for task in tasks]
    with _client(scheduler) as client:
        data = client.submit(_unpack, zlib.compress(pickle.dumps(shared), 1), pure=False)
        futures = client.map(_Call(function), list(tasks), shared=data, pure=False)
        answers: list[Answer] = client.gather(futures)
    return answers


class _Call:
    """A function of shared data and a task, with its arguments as Dask's map wants them."""

    def __init__(self, function: Callable[[Any, Any], Any]) -> None:
        self.function = function

    def __call__(self, task: Any, shared: Any) -> Any:
        return self.function(shared, task)


def _unpack(packed: bytes) -> Any:
    return pickle.loads(zlib.decompress(packed))


@contextmanager
def _client(scheduler: Any) -> Iterator[Any]:
    """Yield a client of a scheduler; one that was made here is closed here."""
    try:
        from distributed import Client  # noqa: PLC0415
    except ImportError as error:
        message = "scheduler= needs Dask, an optional extra: pip install combined-care[dask]"
        raise InputError(message) from error
    if isinstance(scheduler, Client):
        yield scheduler
    elif isinstance(scheduler, str):
        make: Any = Client
        with make(scheduler, set_as_default=False) as client:
            yield client
    else:
        message = (
            "scheduler must be the address of a Dask scheduler, such as 'tcp://host:8786', or a "
            f"distributed.Client; got {scheduler!r}"
        )
        raise InputError(message)
