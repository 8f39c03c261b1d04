"""How results leave the program: text tables, JSON values, files and folders that appear whole or not at all.

Imports the errors alone; every folder may import it.
"""
