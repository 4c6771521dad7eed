"""One complete YAML file a published run, by world; `schema` says what a run's configuration may hold."""

if __name__ == "configs":  # found in the folder of a checkout
    raise ImportError("there is no package configs: write quadrivium.configs")
