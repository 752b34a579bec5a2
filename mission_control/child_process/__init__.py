"""
Child process: slow work in a process of its own, which can hang or die without being missed.

Threads would not do: they share the interpreter, and a second of theirs is one that the deciding
loop stalls.
"""
