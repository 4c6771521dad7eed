"""Sweeps: many trainings of one config, each with other hyper-parameters, and which of them did best."""
