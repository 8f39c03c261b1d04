"""Running a method: programs compiled once, calls checked and fed in batches, results turned into explanations.

Imports `methods` and the layers below them; `export`, `comparison` and `explain` may import it.
"""
