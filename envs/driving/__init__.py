"""Driving worlds: cars on roads, from the kinematic bicycle and traffic models in `vehicle`."""
