"""Tensors: creation, operators, printing, interoperability, saving and loading."""
