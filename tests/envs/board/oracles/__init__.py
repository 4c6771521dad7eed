"""Games played beside independent implementations of their rules."""
