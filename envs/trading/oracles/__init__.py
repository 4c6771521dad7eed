"""Optima that are known: closed forms and exact dynamic programmes, plain NumPy, a file each.

They share no code with the worlds' kernels, so that the one tests the other.
"""
