"""``python -m rnn_course``: the package on the command line."""

import argparse
import importlib.util
import sys


def main(arguments=None):
    """Run a subcommand.

    Parameters
    ----------
    arguments : list of str, optional
        The command line; `sys.argv` if not given.

    Returns
    -------
    int
        0, or another number if it failed.
    """
    parser = argparse.ArgumentParser(prog="python -m rnn_course", description="The package of the course.")
    commands = parser.add_subparsers(metavar="command", required=True)
    devices = commands.add_parser("devices", help="print versions and devices, for a bug report")
    devices.set_defaults(run=print_devices)
    bench = commands.add_parser("bench", help="measure the layers against others (from the checkout)", add_help=False)
    bench.set_defaults(run=run_benchmarks)
    grade = commands.add_parser("grade", help="mark a folder of submissions", add_help=False)
    grade.set_defaults(run=run_grading)
    check = commands.add_parser("check", help="run an assignment's tests on your notebook", add_help=False)
    check.set_defaults(run=run_check)
    options, rest = parser.parse_known_args(arguments)
    if rest and options.run is print_devices:
        parser.error(f"unknown arguments: {' '.join(rest)}")
    return options.run(rest)


def print_devices(_):
    from rnn_course.devices import report

    facts = report()
    width = max(map(len, facts))
    for name, value in facts.items():
        print(f"{name:{width}}  {value}")
    return 0


def run_benchmarks(arguments):
    if importlib.util.find_spec("benchmarks") is None:
        print(
            "The benchmarks are not in the installed package. Get the source of the course, and run this command in "
            "its top folder, which holds the folder `benchmarks`.",
            file=sys.stderr,
        )
        return 1
    from benchmarks.__main__ import main as run

    return run(arguments)


def run_grading(arguments):
    from rnn_course.grading.command import grade

    return grade(arguments)


def run_check(arguments):
    from rnn_course.grading.command import check

    return check(arguments)


if __name__ == "__main__":
    sys.exit(main())
