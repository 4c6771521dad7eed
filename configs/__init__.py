"""One complete YAML file a published run, by world; `schema` says what a run's configuration may hold."""
