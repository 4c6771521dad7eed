"""Trading: worlds with honest accounting, known optima and real data."""
