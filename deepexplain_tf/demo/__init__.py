"""A trained ImageNet network and photos, on which to try the library."""
