"""The highway: a straight road of parallel lanes with IDM and MOBIL traffic, and one car that learns."""
