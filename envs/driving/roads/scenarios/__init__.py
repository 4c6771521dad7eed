"""The scenarios: a road map, who drives on it, and what is paid; one file each."""
