"""Behaviour of the whole house; the tree mirrors the code, language tables lie in `cases/`."""
