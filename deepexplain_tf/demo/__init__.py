"""A trained ImageNet network and photos, to try the library on something real."""
