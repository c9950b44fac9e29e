"""The masks of tiny-mask: drawings with shapes, the net, how good it is."""
