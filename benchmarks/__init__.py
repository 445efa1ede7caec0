"""Measurements of speed and memory, one module each; `python -m benchmarks` runs them all and prints ratios.

A benchmark is a module of this folder with a function `main(arguments=())` that prints a table and the line
`ratio: ...`. It is found by scanning; a name with a leading underscore is no benchmark.
"""
