"""Pictures with planted lesions, their nets and the parts of a lesion, for `reproduce_lesion.py`."""
