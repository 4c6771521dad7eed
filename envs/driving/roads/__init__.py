"""Driving on networks of roads: one kernel, many scenarios, each of which is data."""
