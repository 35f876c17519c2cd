"""Side-by-side benchmark of image loggers, run by ``python -m benchmarks``.

Each logger runs in its own process and its own virtual environment and is given the same images.
The loggers take turns within one run, so that their ratios mean something on any machine.
"""
