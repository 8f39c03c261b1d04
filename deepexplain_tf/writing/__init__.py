"""Writing of results: text tables, JSON values, files and folders that appear whole or not at all.

Imports only `errors`; every folder may import it.
"""
